"""Static files: our own and the browser libraries that npm installed, with hashed names where collectstatic ran."""

from typing import Any

from django.contrib.staticfiles.apps import StaticFilesConfig
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(StaticFilesConfig):
    """Leaves out what no page loads: sources, type descriptions, maps, development builds."""

    ignore_patterns = [
        *(
            "CVS",
            ".*",
            "*~",
            "*.map",
            "*.scss",
            "*.ts",
            "*.html",
            "*.cjs",
            "*.gz",
            "*.dev.js",
            "*.esm.js",
            "*.mjs",
            "package.json",
        ),
        *(
            "ext",
            "extension",
            "echarts.js",
            "echarts.min.js",
            "tabler.esm*",
            "echarts.common*",
            "echarts.simple*",
            "htmx.js",
            "htmx.amd.js",
        ),
        *("*.rtl.*", "tabler-[fmpstv]*.css", "tabler-icons-200*", "tabler-icons-300*"),
    ]


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Names with a hash, also inside style sheets and in the imports of our ES modules."""

    support_js_module_import_aggregation = True
    # Source maps are not collected, so their comments stay as they are.
    patterns = tuple(
        (kind, tuple(pattern for pattern in patterns if "sourceMappingURL" not in str(pattern)))
        for kind, patterns in CompressedManifestStaticFilesStorage.patterns
    )

    def create_compressor(self, **options: Any) -> Compressor:
        """gzip alone: brotli takes half a minute to save a sixth."""
        return Compressor(**options, use_brotli=False)
