"""Projects and phases, people and their rights, sign-in, notifications, stored files, audit."""
