"""What the network carried, by camera and hour, and what a plan would cost."""
