package ui

import (
	"os"

	"github.com/charmbracelet/x/term"
)

// CheckTerminal says, before anything is started, whether the program has a terminal to draw on.
func CheckTerminal() error {
	if !term.IsTerminal(os.Stdin.Fd()) {
		return &NoTerminalError{"standard input"}
	}
	if !term.IsTerminal(os.Stdout.Fd()) {
		return &NoTerminalError{"standard output"}
	}
	return nil
}
