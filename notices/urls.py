"""Addresses of notices."""

from django.urls import include, path

from notices.views import (
    batches,
    files,
    firms,
    group_statements,
    papers,
    public,
    register,
    seals,
    templates,
)

app_name = "notices"
of_project = [
    path("batches/", batches.batches, name="batches"),
    path("batches/<int:pk>/", batches.batch_detail, name="batch_detail"),
    path("batches/<int:pk>/stop/", batches.batch_stop, name="batch_stop"),
    path("batches/<int:pk>/resume/", batches.batch_resume, name="batch_resume"),
    path("batches/<int:pk>/retry/", batches.batch_retry, name="batch_retry"),
    path("batches/<int:pk>/list/", batches.batch_list, name="batch_list"),
    path("batches/<int:pk>/files/<slug:which>/", files.batch_file, name="batch_file"),
    path("letters/", register.register, name="register"),
    path("letters/export/", register.register_export, name="register_export"),
    path("letters/<int:pk>/file/", files.notice_file, name="notice_file"),
    path("papers/", papers.papers, name="papers"),
    path("papers/<int:pk>/file/", papers.paper_file, name="paper_file"),
    path("statements/", group_statements.group_statement, name="group_statement"),
    path("statements/copy/", group_statements.group_statement_copy, name="group_statement_copy"),
    path("accounts/<int:pk>/papers/", papers.account_papers, name="account_papers"),
    path("accounts/<int:pk>/statement/", papers.statement_issue, name="statement_issue"),
    path("accounts/<int:pk>/statement/copy/", papers.statement_copy, name="statement_copy"),
    path("payments/<int:pk>/receipt/", papers.receipt, name="receipt"),
    path("templates/", templates.templates, name="templates"),
    path("templates/install/", templates.templates_install, name="templates_install"),
    path("templates/<int:pk>/", templates.template_detail, name="template_detail"),
    path("templates/<int:pk>/pdf/", templates.template_print, name="template_print"),
    path("templates/<int:pk>/approve/", templates.template_approve, name="template_approve"),
    path("templates/<slug:kind>/edit/", templates.template_edit, name="template_edit"),
    path("templates/<slug:kind>/check/", templates.template_check, name="template_check"),
    path("templates/<slug:kind>/pdf/", templates.template_pdf, name="template_pdf"),
    path("seals/", seals.seals, name="seals"),
    path("seals/<slug:purpose>/upload/", seals.seal_upload, name="seal_upload"),
    path("seals/<int:pk>/approve/", seals.seal_approve, name="seal_approve"),
    path("seals/<int:pk>/remove/", seals.seal_remove, name="seal_remove"),
    path("seals/<int:pk>/picture/", seals.seal_picture, name="seal_picture"),
    path("public/", public.public_notices, name="public"),
    path("public/<slug:kind>/issue/", public.public_issue, name="public_issue"),
    path("public/<int:pk>/file/", public.public_pdf, name="public_file"),
    path("firms/", firms.firms, name="firms"),
    path("firms/new/", firms.firm_new, name="firm_new"),
    path("firms/<int:pk>/", firms.firm_edit, name="firm_edit"),
    path("firms/<int:pk>/mandate/", firms.firm_mandate, name="firm_mandate"),
]
urlpatterns = [path("p/<slug:project_code>/notices/", include(of_project))]
