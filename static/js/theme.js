// Loaded before the page is painted: dark on the phone where its owner asked the system for it, light at the desk.
(() => {
  const wish = matchMedia("(max-width: 767px) and (prefers-color-scheme: dark)");
  const apply = () => document.documentElement.setAttribute("data-bs-theme", wish.matches ? "dark" : "light");
  apply();
  wish.addEventListener("change", apply);
})();
