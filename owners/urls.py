"""Addresses of owners."""

from django.urls import path

from owners import views

app_name = "owners"
urlpatterns = [
    path("p/<slug:project_code>/search/", views.search_page, name="search"),
    path("p/<slug:project_code>/reveal/<slug:kind>/<int:pk>/", views.reveal_page, name="reveal"),
]
