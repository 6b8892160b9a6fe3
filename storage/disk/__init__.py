"""The one seam to disks: files, roots, space kept in reserve."""
