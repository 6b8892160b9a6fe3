"""What lies on a disk, readable without a database: names, boxes, segment files and their sample index. Pure, but for
reading."""
