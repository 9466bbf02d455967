"""All addresses. Each app owns its part; a project's pages live under /p/<project code>/."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from config.health import healthz
from config.service_worker import manifest, service_worker

# Rate limits and the second factor hold at the admin site's own login too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("service-worker.js", service_worker, name="service_worker"),
    path("accounts/", include("company.account_urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("company.urls")),
    path("", include("owners.urls")),
    path("", include("arrears.urls")),
    path("", include("notices.urls")),
    path("", include("collection.urls")),
]
