"""What a package is made of: plan, footage copied, clocks, manifest, statement."""
