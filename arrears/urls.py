"""Addresses of the ledger."""

from django.urls import path

from arrears.views import accounts, fees, first_day, home, imports, late_fees, ledger, limitation, payments, sales

app_name = "arrears"
urlpatterns = [
    path("start/", first_day.start, name="start"),
    path("p/<slug:project_code>/start/", first_day.first_day, name="first_day"),
    path("p/<slug:project_code>/fees/", fees.fees, name="fees"),
    path("p/<slug:project_code>/fees/new/", fees.fee_new, name="fee_new"),
    path("p/<slug:project_code>/fees/confirm/", fees.fees_confirm, name="fees_confirm"),
    path("p/<slug:project_code>/fees/<int:pk>/", fees.fee_edit, name="fee_edit"),
    path("p/<slug:project_code>/fees/<int:pk>/remove/", fees.fee_remove, name="fee_remove"),
    path("p/<slug:project_code>/finance/", home.home, name="home"),
    path("p/<slug:project_code>/imports/", imports.imports, name="imports"),
    path("p/<slug:project_code>/imports/new/", imports.import_new, name="import_new"),
    path("p/<slug:project_code>/imports/<int:pk>/", imports.import_detail, name="import_detail"),
    path("p/<slug:project_code>/imports/<int:pk>/columns/", imports.import_columns, name="import_columns"),
    path("p/<slug:project_code>/imports/<int:pk>/back/", imports.import_back, name="import_back"),
    path("p/<slug:project_code>/imports/<int:pk>/post/", imports.import_post, name="import_post"),
    path("p/<slug:project_code>/imports/<int:pk>/cancel/", imports.import_cancel, name="import_cancel"),
    path("p/<slug:project_code>/imports/<int:pk>/undo/", imports.import_undo, name="import_undo"),
    path("p/<slug:project_code>/imports/<int:pk>/marked/", imports.import_marked, name="import_marked"),
    path("p/<slug:project_code>/ledger/", ledger.ledger, name="ledger"),
    path("p/<slug:project_code>/ledger/export/", ledger.ledger_export, name="ledger_export"),
    path("p/<slug:project_code>/units/<int:pk>/account/", accounts.unit_account, name="unit_account"),
    path("p/<slug:project_code>/units/<int:pk>/sale/", sales.unit_sale, name="unit_sale"),
    path("p/<slug:project_code>/parties/<int:pk>/take-back/", sales.sale_undo, name="sale_undo"),
    path("p/<slug:project_code>/accounts/<int:pk>/", accounts.account, name="account"),
    path("p/<slug:project_code>/accounts/<int:pk>/export/", accounts.account_export, name="account_export"),
    path("p/<slug:project_code>/accounts/<int:pk>/verify/", accounts.account_verify, name="account_verify"),
    path("p/<slug:project_code>/accounts/<int:pk>/payments/new/", payments.payment_new, name="payment_new"),
    path("p/<slug:project_code>/accounts/<int:pk>/charges/new/", payments.charge_new, name="charge_new"),
    path("p/<slug:project_code>/accounts/<int:pk>/late-fees/", late_fees.account_late_fees, name="account_late_fees"),
    path("p/<slug:project_code>/accounts/<int:pk>/late-fees/assess/", late_fees.account_assess, name="account_assess"),
    path("p/<slug:project_code>/late-fees/", late_fees.late_fees, name="late_fees"),
    path("p/<slug:project_code>/late-fees/<int:pk>/reverse/", late_fees.late_fee_reverse, name="late_fee_reverse"),
    path("p/<slug:project_code>/accounts/<int:pk>/proofs/new/", limitation.proof_new, name="proof_new"),
    path("p/<slug:project_code>/proofs/<int:pk>/file/", limitation.proof_file, name="proof_file"),
    path("p/<slug:project_code>/proofs/<int:pk>/reverse/", limitation.proof_reverse, name="proof_reverse"),
    path("p/<slug:project_code>/payments/", payments.payments, name="payments"),
    path("p/<slug:project_code>/payments/<int:pk>/reverse/", payments.payment_reverse, name="payment_reverse"),
    path("p/<slug:project_code>/charges/<int:pk>/reverse/", payments.charge_reverse, name="charge_reverse"),
]
