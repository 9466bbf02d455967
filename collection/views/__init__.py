"""Pages of collection, a file each subject."""
