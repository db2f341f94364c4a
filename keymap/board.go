package keymap

// Board is where the keys of the supervisors' board are meant; no key of the desk reaches it.
const Board Context = "board"

// boardGroups are the headings of the board's own help.
var boardGroups = [...]string{"Team board", "Orders", "Board"}

// BoardGroups lists the headings of the board's actions in the order in which its help shows them.
func BoardGroups() []string { return boardGroups[:] }

// boardTable lists the actions of the supervisors' board; nothing writes to it.
var boardTable = [...]Action{
	{Name: "board.down", Title: "Next agent", Group: "Team board", Context: Board, Keys: []string{"down", "j"},
		Help: "Moves the selection down."},
	{Name: "board.up", Title: "Previous agent", Group: "Team board", Context: Board, Keys: []string{"up", "k"},
		Help: "Moves the selection up."},
	{Name: "board.pagedown", Title: "Page down", Group: "Team board", Context: Board, Keys: []string{"pgdown", "ctrl+d"},
		Help: "Moves the selection down by ten."},
	{Name: "board.pageup", Title: "Page up", Group: "Team board", Context: Board, Keys: []string{"pgup", "ctrl+u"},
		Help: "Moves the selection up by ten."},
	{Name: "board.first", Title: "First agent", Group: "Team board", Context: Board, Keys: []string{"home", "g"},
		Help: "Selects the first row."},
	{Name: "board.last", Title: "Last agent", Group: "Team board", Context: Board, Keys: []string{"end", "G"},
		Help: "Selects the last row."},
	{Name: "board.filter", Title: "Filter", Group: "Team board", Context: Board, Keys: []string{"/"},
		Help: "Shows only rows in which the letters stand: name, team, state, caller."},
	{Name: "board.clear", Title: "Clear filter", Group: "Team board", Context: Board, Keys: []string{"esc"},
		Help: "Shows all rows again."},
	{Name: "board.sort", Title: "Sort", Group: "Team board", Context: Board, Keys: []string{"s"},
		Help: "By state, by name, by the time in the state."},

	{Name: "board.away", Title: "Set away", Group: "Orders", Context: Board, Keys: []string{"w"}, Dangerous: true,
		Help: "Asks for the reason and sets the agent away; during a call, when it ends."},
	{Name: "board.available", Title: "Set available", Group: "Orders", Context: Board, Keys: []string{"v"}, Dangerous: true,
		Help: "Asks first, then lets calls come to the agent again."},
	{Name: "board.logout", Title: "Ask to log out", Group: "Orders", Context: Board, Keys: []string{"L"}, Dangerous: true,
		Help: "Asks first, then asks the agent to log out when the call has ended."},
	{Name: "board.message", Title: "Message", Group: "Orders", Context: Board, Keys: []string{"m"},
		Help: "Writes one line to the agent's screen."},

	{Name: "board.help", Title: "Help", Group: "Board", Context: Board, Keys: []string{"?", "f1"},
		Help: "Shows all keys of the board."},
	{Name: "board.redraw", Title: "Redraw", Group: "Board", Context: Board, Keys: []string{"ctrl+l"},
		Help: "Paints the whole screen again."},
	{Name: "board.quit", Title: "Quit", Group: "Board", Context: Board, Keys: []string{"q", "ctrl+c"},
		Help: "Leaves the board; the team works on."},
}
