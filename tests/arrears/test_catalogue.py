import pytest

from arrears.catalogue import ensure_catalogue, fee_key, fees_by_word, start_catalogue
from arrears.models import FeeSynonym, FeeType
from company.models import Project
from tests.factories import create_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    project = create_project()
    start_catalogue(project)
    return project


@pytest.mark.parametrize(
    ("printed", "name"),
    [
        ("管理费", "物业服务费"),
        ("物业费", "物业服务费"),
        ("物业服务费（元）", "物业服务费"),
        ("商铺物业费", "商铺物业费"),
        ("公共用电分摊", "公摊电费"),
        ("公摊水电", "公摊水电费"),
        (" 水 费 ", "水费"),
        ("停车费", "车位管理费"),
    ],
)
def test_words_under_which_sheets_print_a_fee(project: Project, printed: str, name: str) -> None:
    assert fees_by_word(project)[fee_key(printed)].name == name


def test_an_unknown_word_is_no_fee(project: Project) -> None:
    assert fee_key("星际管理费") not in fees_by_word(project)


def test_starting_twice_changes_nothing(project: Project) -> None:
    FeeType.objects.filter(project=project, name="水费").update(billing_months=3)
    before = (FeeType.objects.count(), FeeSynonym.objects.count())
    start_catalogue(project)
    assert (FeeType.objects.count(), FeeSynonym.objects.count()) == before
    assert FeeType.objects.get(project=project, name="水费").billing_months == 3


def test_a_project_that_chose_its_fees_keeps_to_them() -> None:
    project = create_project()
    FeeType.objects.create(project=project, name="会所服务费", nature=FeeType.Nature.OTHER)
    ensure_catalogue(project)
    assert FeeType.objects.filter(project=project).count() == 1


def test_water_and_electricity_are_collected_for_suppliers(project: Project) -> None:
    on_behalf = set(FeeType.objects.filter(project=project, is_on_behalf=True).values_list("name", flat=True))
    assert on_behalf == {"水费", "电费", "公摊水费", "公摊电费", "公摊水电费"}


def test_two_projects_have_their_own_words(project: Project) -> None:
    other = create_project(code="OTHER")
    start_catalogue(other)
    assert fees_by_word(other)["管理费"].project_id == other.pk
