"""Addresses of owners."""

from django.urls import path

from owners import register_views, term_views, views

app_name = "owners"
urlpatterns = [
    path("p/<slug:project_code>/search/", views.search_page, name="search"),
    path("p/<slug:project_code>/units/", register_views.units, name="units"),
    path("p/<slug:project_code>/units/export/", register_views.units_export, name="units_export"),
    path("p/<slug:project_code>/contracts/", term_views.contracts, name="contracts"),
    path("p/<slug:project_code>/contracts/new/", term_views.contract_new, name="contract_new"),
    path("p/<slug:project_code>/contracts/<int:pk>/", term_views.contract_edit, name="contract_edit"),
    path("p/<slug:project_code>/buildings/", term_views.buildings, name="buildings"),
    path("p/<slug:project_code>/buildings/<int:pk>/remove/", term_views.building_remove, name="building_remove"),
    path("p/<slug:project_code>/reveal/<slug:kind>/<int:pk>/", views.reveal_page, name="reveal"),
]
