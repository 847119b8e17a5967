// What pages do beyond links and forms: copying, and telling screen readers. All else works without this file.
(function () {
  "use strict";
  document.documentElement.classList.add("js");

  // A page over plain HTTP has no clipboard of its own: the old way copies a selection.
  function copy(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    var area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.appendChild(area);
    area.select();
    var done = document.execCommand("copy");
    area.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("not copied"));
  }

  function tell(text) {
    var status = document.getElementById("status");
    if (status) { status.textContent = ""; setTimeout(function () { status.textContent = text; }, 30); }
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    event.preventDefault();
    var from = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    copy(from ? from.value || from.textContent.trim() : button.dataset.copy).then(function () {
      var label = button.querySelector("[data-label-text]") || button;
      var was = label.textContent;
      label.textContent = button.dataset.copied;
      tell(button.dataset.copied);
      setTimeout(function () { label.textContent = was; }, 1500);
    }, function () { tell(button.dataset.failed || ""); });
  });

  // A choice that sends its form at once, such as the site's.
  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
    var toggles = event.target.dataset && event.target.dataset.toggles;
    if (toggles) document.getElementById(toggles).disabled = !event.target.checked;
  });

  document.addEventListener("htmx:afterSwap", function (event) {
    if (event.target.hasAttribute && event.target.hasAttribute("sse-swap")) return; // it follows by itself: nobody has asked
    var count = event.target.querySelector && event.target.querySelector("[data-announce]");
    if (count) tell(count.textContent.trim());
  });
})();
