// Package tape plays scripts of keystrokes and expectations against the real screen on a virtual terminal.
//
// A tape is a VHS tape (github.com/charmbracelet/vhs), with directives in comments for what VHS lacks, so that it still runs
// there. The player waits for what the screen shows, never for the clock; a failure prints the whole screen. The package
// knows nothing of calls: it is given a program and types at it.
package tape
