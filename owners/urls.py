"""Addresses of owners."""

from django.urls import path

from owners import (
    export_views,
    merge_views,
    owner_views,
    register_views,
    shut_off_views,
    term_views,
    unit_views,
    views,
)

app_name = "owners"
urlpatterns = [
    path("p/<slug:project_code>/units/", register_views.units, name="units"),
    path("p/<slug:project_code>/units/export/", register_views.units_export, name="units_export"),
    path("p/<slug:project_code>/contracts/", term_views.contracts, name="contracts"),
    path("p/<slug:project_code>/contracts/new/", term_views.contract_new, name="contract_new"),
    path("p/<slug:project_code>/contracts/<int:pk>/", term_views.contract_edit, name="contract_edit"),
    path("p/<slug:project_code>/buildings/", term_views.buildings, name="buildings"),
    path("p/<slug:project_code>/buildings/<int:pk>/remove/", term_views.building_remove, name="building_remove"),
    path("p/<slug:project_code>/owners/duplicates/", merge_views.duplicates, name="duplicates"),
    path("p/<slug:project_code>/owners/<int:pk>/", owner_views.owner, name="owner"),
    path("p/<slug:project_code>/owners/<int:pk>/edit/", owner_views.owner_edit, name="owner_edit"),
    path("p/<slug:project_code>/owners/<int:pk>/add/<slug:kind>/", owner_views.contact_new, name="contact_new"),
    path("p/<slug:project_code>/owners/<int:pk>/merge/", merge_views.merge, name="merge"),
    path("p/<slug:project_code>/merges/<int:pk>/undo/", merge_views.merge_undo, name="merge_undo"),
    path("p/<slug:project_code>/contact/<slug:kind>/<int:pk>/", owner_views.contact_edit, name="contact_edit"),
    path("p/<slug:project_code>/contact/<slug:kind>/<int:pk>/end/", owner_views.contact_end, name="contact_end"),
    path("p/<slug:project_code>/phones/<int:pk>/primary/", owner_views.phone_primary, name="phone_primary"),
    path("p/<slug:project_code>/addresses/<int:pk>/returned/", owner_views.address_returned, name="address_returned"),
    path("p/<slug:project_code>/units/<int:pk>/", unit_views.unit, name="unit"),
    path("p/<slug:project_code>/units/<int:pk>/occupants/new/", unit_views.occupant_new, name="occupant_new"),
    path("p/<slug:project_code>/occupants/<int:pk>/", unit_views.occupant_edit, name="occupant_edit"),
    path("p/<slug:project_code>/parties/<int:pk>/", unit_views.party_edit, name="party_edit"),
    path("p/<slug:project_code>/parties/<int:pk>/remove/<int:member>/", unit_views.member_remove, name="member_remove"),
    path("p/<slug:project_code>/exports/", export_views.exports, name="exports"),
    path("p/<slug:project_code>/exports/ask/", export_views.export_ask, name="export_ask"),
    path("p/<slug:project_code>/exports/limit/", export_views.export_limit, name="export_limit"),
    path("p/<slug:project_code>/exports/<int:pk>/", export_views.export_decide, name="export_decide"),
    path("p/<slug:project_code>/shut-offs/", shut_off_views.shut_offs, name="shut_offs"),
    path("p/<slug:project_code>/shut-offs/new/", shut_off_views.shut_off_new, name="shut_off_new"),
    path("p/<slug:project_code>/shut-offs/<int:pk>/", shut_off_views.shut_off_decide, name="shut_off_decide"),
    path("p/<slug:project_code>/shut-offs/<int:pk>/proof/", shut_off_views.shut_off_proof, name="shut_off_proof"),
    path("p/<slug:project_code>/reveal/<slug:kind>/<int:pk>/", views.reveal_page, name="reveal"),
]
