from company.models.audit import AuditEvent
from company.models.feeds import CalendarFeed
from company.models.files import FilePurpose, StoredFile
from company.models.notifications import Notification
from company.models.people import Post, ProjectAccess, Role, User
from company.models.projects import Phase, Project

__all__ = [
    "AuditEvent",
    "CalendarFeed",
    "FilePurpose",
    "Notification",
    "Phase",
    "Post",
    "Project",
    "ProjectAccess",
    "Role",
    "StoredFile",
    "User",
]
