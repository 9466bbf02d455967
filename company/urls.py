"""Addresses of sign-in, people, projects, notifications and files."""

from django.urls import path

from company.views import account, calendar_feed, files, notifications, people, people_import, postage, projects

app_name = "company"
urlpatterns = [
    path("", account.home, name="home"),
    path("switch/", account.switch, name="switch"),
    path("session/", account.session, name="session"),
    path("password/", account.password, name="password"),
    path("calendar-address/", calendar_feed.calendar_feed, name="calendar_feed"),
    path("calendar-address/renew/", calendar_feed.calendar_feed_renew, name="calendar_feed_renew"),
    path("calendar-address/revoke/", calendar_feed.calendar_feed_revoke, name="calendar_feed_revoke"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/read/", notifications.notifications_read, name="notifications_read"),
    path("notifications/<int:pk>/read/", notifications.notification_read, name="notification_read"),
    path("people/", people.people, name="people"),
    path("people/export/", people.people_export, name="people_export"),
    path("people/new/", people.person_new, name="person_new"),
    path("people/import/", people_import.people_import, name="people_import"),
    path("people/import/post/", people_import.people_import_post, name="people_import_post"),
    path("people/import/template/", people_import.people_import_template, name="people_import_template"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/roles/", people.person_role_add, name="person_role_add"),
    path("people/<int:pk>/roles/<int:access>/revoke/", people.person_role_revoke, name="person_role_revoke"),
    path("people/<int:pk>/deactivate/", people.person_deactivate, name="person_deactivate"),
    path("people/<int:pk>/reactivate/", people.person_reactivate, name="person_reactivate"),
    path("people/<int:pk>/password/", people.person_password, name="person_password"),
    path("manage/projects/", projects.projects, name="projects"),
    path("manage/projects/new/", projects.project_new, name="project_new"),
    path("manage/projects/<int:pk>/", projects.project, name="project"),
    path("manage/posts/", projects.posts, name="posts"),
    path("manage/posts/<int:pk>/", projects.post, name="post"),
    path("p/<slug:project_code>/", account.enter, name="enter"),
    path("p/<slug:project_code>/postage/", postage.postage, name="postage"),
    path("p/<slug:project_code>/files/<int:pk>/", files.file, name="file"),
]
