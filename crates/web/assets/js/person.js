// People among many: suggestions for a field that takes a login or a name. Without them it works as it is typed.
import { make } from "./dom.js";

/** @type {ReturnType<typeof setTimeout> | undefined} */
let personWait;

/** @param {HTMLInputElement} input */
async function suggestPeople(input) {
  const text = input.value.replace(/\(.*$/, "").trim();
  if (text.length < 2 || !input.list) return;
  const word = text.replace(/["\\]/g, "\\$&");
  const query = new URLSearchParams({ filter: `status:active "${word}"`, limit: "20" });
  const answer = await fetch(`/api/v1/people/users?${query}`, { headers: { accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  /** @type {{ items: { name: string, login: string }[] }} */
  const found = await answer.json();
  if (found.items.length === 0) return;
  input.list.replaceChildren(...found.items.map((one) => make("option", { value: `${one.name} (${one.login})` })));
}

document.addEventListener("input", (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || !("person" in input.dataset)) return;
  clearTimeout(personWait);
  personWait = setTimeout(() => suggestPeople(input), 150);
});
