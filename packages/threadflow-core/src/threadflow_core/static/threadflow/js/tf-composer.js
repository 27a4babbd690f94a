/* The composer with scripts: tabs, formatting, a draft that survives a reload. Sent with the
   composer itself, also inside a swap; running it again finds everything in place. */
(() => {
  if (window.tfComposer) return window.tfComposer(document);
  const doc = document, days = 30 * 864e5, words = () => doc.querySelector("#tf-texts").dataset;
  const key = (area) => "tf-draft:" + area.dataset.tfDraft;
  const local = (f) => { try { return f(localStorage); } catch { return null; } }; // storage may be refused

  const state = (area, text) => {
    const place = area.form.querySelector("[data-tf-draft-state]");
    if (place) place.textContent = text;
  };
  const save = (area) => local((s) => {
    if (area.value.trim()) s[key(area)] = JSON.stringify([area.value, Date.now()]);
    else s.removeItem(key(area));
    state(area, area.value.trim() ? words().saved : "");
  });
  const load = (area) => {
    area.tfDraft = true;
    const [text, at] = local((s) => JSON.parse(s[key(area)] || "[]")) || [];
    if (!text || Date.now() - at > days || text === area.value) return;
    if (area.value.trim() && area.value !== area.defaultValue) return;
    area.value = text;
    state(area, words().restored);
  };
  const tabs = (form) => {
    const list = form.querySelector("[data-tf-tabs]"), all = [...form.querySelectorAll("[data-tf-tab]")];
    if (!list || all.length < 2 || list.role) return;
    list.role = "tablist";
    list.ariaLabel = list.dataset.label;
    all.forEach((tab) => {
      const panel = doc.getElementById(`${form.id}-${tab.dataset.tfTab}`);
      tab.role = "tab";
      tab.setAttribute("aria-controls", panel.id);
      tab.ariaSelected = tab.ariaCurrent === "true";
      tab.ariaCurrent = null;
      tab.tabIndex = tab.ariaSelected === "true" ? 0 : -1;
      panel.role = "tabpanel";
      panel.setAttribute("aria-labelledby", tab.id);
    });
  };
  const choose = (tab) => {
    for (const one of tab.form.querySelectorAll("[data-tf-tab]")) {
      const mine = one === tab;
      one.ariaSelected = mine;
      one.tabIndex = mine ? 0 : -1;
      doc.getElementById(`${tab.form.id}-${one.dataset.tfTab}`).hidden = !mine;
    }
  };
  // One attribute says what a button does: "**" goes around, "> " before each line, "[](x)" takes the text in.
  const format = (area, mark) => {
    const { selectionStart: a, selectionEnd: b, value } = area, text = value.slice(a, b);
    const out = mark.endsWith(" ") ? text.replace(/^/gm, mark)
      : mark.startsWith("[") ? mark.replace("[]", `[${text}]`)
      : mark + text + mark;
    area.focus();
    area.setRangeText(out, a, b, "end");
    if (!text && mark.length < 3 && !mark.endsWith(" ")) area.selectionStart = area.selectionEnd -= mark.length;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const cite = (area) => { // what was selected when Reply was pressed
    const { tfQuote: text } = doc.documentElement.dataset;
    if (!text || area !== doc.activeElement) return;
    delete doc.documentElement.dataset.tfQuote;
    if (!area.value) area.value = text.replace(/^/gm, "> ") + "\n\n";
  };

  doc.addEventListener("input", ({ target: area }) => {
    if (!area.matches?.("[data-tf-draft]")) return;
    clearTimeout(area.tfTimer);
    area.tfTimer = setTimeout(() => save(area), 600);
  });
  doc.addEventListener("click", (e) => {
    const tab = e.target.closest?.("[data-tf-tab]"), tool = e.target.closest?.("[data-tf-md]");
    if (tab) choose(tab);
    if (tool) format(tool.closest("form").querySelector("textarea"), tool.dataset.tfMd);
    const cancel = e.target.closest?.("[data-tf-cancel]"), box = cancel?.closest(".tf-c-form");
    if (cancel) drop(cancel.closest("form"));
    if (box) { // below a comment: only the form goes
      e.preventDefault();
      box.replaceChildren();
      box.parentElement.querySelector("[data-tf-key=r],.tf-acts a")?.focus();
    }
  });
  doc.addEventListener("keydown", (e) => {
    const tab = e.target.closest?.("[role=tab]");
    if (!tab?.form || !["ArrowLeft", "ArrowRight"].includes(e.key)) return;
    const other = [...tab.form.querySelectorAll("[data-tf-tab]")].find((t) => t !== tab);
    other?.focus();
    other?.click();
  });
  const drop = (form) => {
    const area = form?.querySelector("[data-tf-draft]");
    if (!area) return;
    clearTimeout(area.tfTimer);
    local((s) => s.removeItem(key(area)));
  };
  // A draft goes only when the server has the text: after a 2xx, or, without htmx, when the
  // page that answers brings no composer with the same draft.
  doc.addEventListener("htmx:after:request", (e) => {
    const { ctx } = e.detail, form = ctx.sourceElement;
    if (!form.matches?.("[data-tf-composer]") || ctx.response.status >= 300) return;
    drop(form);
    form.reset();
    state(form.querySelector("textarea"), "");
  });
  doc.addEventListener("submit", (e) => {
    const area = e.target.querySelector?.("[data-tf-draft]");
    if (!area || e.target.hasAttribute("hx-post") || e.submitter?.hasAttribute("formaction")) return;
    local((s) => { s["tf-sent"] = key(area); });
  });
  window.tfComposer = (where) => where.querySelectorAll("[data-tf-composer]").forEach((form) => {
    tabs(form);
    form.querySelectorAll("[data-tf-draft]").forEach((area) => area.tfDraft || load(area));
    cite(form.querySelector("textarea"));
  });
  local((s) => {
    const sent = s["tf-sent"];
    if (!sent) return;
    s.removeItem("tf-sent");
    if (![...doc.querySelectorAll("[data-tf-draft][aria-invalid]")].some((area) => key(area) === sent)) s.removeItem(sent);
  });
  window.tfComposer(doc);
})();
