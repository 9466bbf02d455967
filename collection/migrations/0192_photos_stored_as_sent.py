"""PostgreSQL tries to compress what is long; of a photo it makes nothing smaller, and doing so takes longer than
everything else about the row."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("collection", "0191_claims_checked_and_parts")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE collection_rawphoto ALTER COLUMN content SET STORAGE EXTERNAL",
            "ALTER TABLE collection_rawphoto ALTER COLUMN content SET STORAGE EXTENDED",
        )
    ]
