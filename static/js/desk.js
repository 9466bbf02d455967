// What every page gets: the shortcut into the search, questions before an act, forms that are sent once, and nothing
// left on a phone for whoever has it next.
import "./search_shortcut.js";
import "./search_box.js";
import "./confirm.js";
import "./forms.js";
import "./copy.js";
import "./phone_guard.js";
