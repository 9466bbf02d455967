from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CompanyConfig(AppConfig):
    name = "company"
    verbose_name = _("Company")

    def ready(self) -> None:
        from company.freezing import grant_application_rights

        post_migrate.connect(grant_application_rights, dispatch_uid="grant_application_rights")
