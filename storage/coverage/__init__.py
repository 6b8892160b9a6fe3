"""What is recorded, what is missing, and why: of one camera, of many, of days that are over."""
