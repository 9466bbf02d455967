"""How pages show safety shut-offs."""

from django import template

from owners.models import SafetyShutOff

register = template.Library()
COLOURS = {
    SafetyShutOff.State.PROPOSED: "amber",
    SafetyShutOff.State.IN_FORCE: "red",
    SafetyShutOff.State.ENDED: "green",
}


@register.filter
def shut_off_colour(row: SafetyShutOff) -> str:
    """The colour of the dot of its state."""
    return COLOURS.get(SafetyShutOff.State(row.state), "")
