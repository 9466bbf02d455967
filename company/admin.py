"""The administration site shows the audit trail; people, roles and projects are kept by our own pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from company.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):
    """Read only: the table is frozen."""

    list_display = ["at", "action", "user", "project", "object_type", "object_id"]
    list_filter = ["action", "project"]
    list_select_related = ["user", "project"]
    search_fields = ["object_id", "user__name"]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
