// For paper: folds are opened where the style sheet cannot, and closed again afterwards. Menus and folds that
// hold nothing but a form stay as they are.

let opened = [];

window.addEventListener("beforeprint", () => {
  const folds = document.querySelectorAll("details:not([open], .menu, :has(> form))");
  opened = [...opened, ...folds];
  for (const fold of folds) fold.open = true;
});
window.addEventListener("afterprint", () => {
  for (const fold of opened) fold.open = false;
  opened = [];
});
