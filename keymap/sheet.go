package keymap

import (
	"fmt"
	"slices"
	"strings"
)

// CheatSheet is the page docs/keys.md: every action with its name and default keys, generated from the table.
func CheatSheet() string {
	m := Default()
	var sb strings.Builder
	sb.WriteString(`# Keys

<!-- Generated from the table in keymap/action.go: go test ./keymap -run CheatSheet -update -->

Every action has a name. The keys of any action can be changed in the configuration:

` + "```toml\n[keys]\n\"call.answer\" = [\"space\", \"f2\"]\n\"demo.next\"   = []            # no key; still in the palette\n```" + `

Two actions of the same context cannot share a key; offhook says which two and does not start. In the contexts
*notes*, *form* and *overlay* characters are text, so only function keys and Ctrl keys can be bound there; function keys and Ctrl
keys of the desk work while you type. 1 to 9 move the focus to a call.

A key pressed while a call comes in does not answer or decline it: the popup waits for 425 ms without a key (1.5 s at
most), so that what you were typing never picks up the telephone.

`)
	for _, g := range slices.Concat(Groups(), BoardGroups()) {
		fmt.Fprintf(&sb, "## %s\n\n| keys | action | name | context |\n| --- | --- | --- | --- |\n", g)
		for _, a := range m.Group(g) {
			keys := make([]string, len(a.Keys))
			for i, k := range a.Keys {
				keys[i] = "`" + Display(k) + "`"
			}
			title := a.Title
			if a.Help != "" {
				title = "**" + a.Title + "** – " + a.Help
			}
			fmt.Fprintf(&sb, "| %s | %s | `%s` | %s |\n", strings.Join(keys, " "), title, a.Name, a.Context)
		}
		sb.WriteString("\n")
	}
	return strings.TrimRight(sb.String(), "\n") + "\n"
}
