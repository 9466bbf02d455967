"""Photos of visits and screenshots of messages, as they are kept."""

from collections.abc import Iterable

from company.files import store_file
from company.models import FilePurpose, Project, StoredFile, User
from company.photos import Photo

MAX_PHOTOS = 9


def keep_photos(photos: Iterable[Photo], *, project: Project, by: User) -> list[StoredFile]:
    """Store photos; the same one twice is kept once. Call it before the transaction that refers to them."""
    return [
        store_file(
            project=project,
            content=photo.content,
            name=f"{photo.sent_sha256[:12]}.jpg",
            content_type="image/jpeg",
            purpose=FilePurpose.VISIT_PHOTO,
            by=by,
        )
        for photo in photos
    ]
