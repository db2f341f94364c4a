// Package theme is how offhook looks: one accent colour, one colour for each state, and the inks made of them.
//
// Names say what a thing means (Ringing, Held, Problem), never which colour it has. Colour is never the only sign of a
// state: each state also has a glyph and a word, so that NO_COLOR, a monochrome terminal and a colour-blind reader lose
// nothing. The package draws nothing.
package theme

import (
	"fmt"
	"image/color"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

// Theme is a set of inks. It is immutable; widgets get a pointer and keep nothing.
type Theme struct {
	Name string
	Dark bool

	Text   Ink // what is read
	Strong Ink // what is read first
	Dim    Ink // what explains
	Faint  Ink // what is there when looked for
	Rule   Ink // lines and frames
	Title  Ink // headings
	Accent Ink // the focus, and where the eye should go
	Brand  Ink // the program's name
	Key    Ink // a key that can be pressed
	Next   Ink // the key to press next
	Select Ink // the selected line
	Link   Ink // a value that can be opened
	Input  Ink // a text field without the focus
	Active Ink // the text field with the focus

	Ringing Ink
	Talking Ink
	Held    Ink
	Problem Ink
	Warning Ink
	Good    Ink

	// Badges: the agent's state, on its colour.
	BadgeReady, BadgeRinging, BadgeTalking, BadgeAway, BadgeProblem Ink
}

// palette is what a theme is made of; nil is the terminal's own colour.
type palette struct {
	dark                                      bool
	text, strong, dim, faint, rule            color.Color
	accent, ringing, talking, held, bad, good color.Color
	on, selected, field                       color.Color // text on a badge, background of the selected line and of fields
}

var hex = lipgloss.Color

func dark() palette {
	return palette{dark: true, dim: hex("#949CAD"), faint: hex("#667084"), rule: hex("#3B4354"), strong: hex("#FFFFFF"),
		accent: hex("#6CB6FF"), ringing: hex("#F6BD4B"), talking: hex("#62D196"), held: hex("#BDA4F7"), bad: hex("#FF7070"), good: hex("#62D196"),
		on: hex("#11151C"), selected: hex("#233248"), field: hex("#1F2633")}
}

func light() palette {
	return palette{dim: hex("#5A6373"), faint: hex("#858EA0"), rule: hex("#C6CCD7"), strong: hex("#000000"),
		accent: hex("#0A5FC4"), ringing: hex("#945700"), talking: hex("#13703F"), held: hex("#6A3DC2"), bad: hex("#BE2323"), good: hex("#13703F"),
		on: hex("#FFFFFF"), selected: hex("#D9E7FA"), field: hex("#ECEFF4")}
}

// okabe is the palette of Okabe and Ito (Color Universal Design, 2008), whose colours stay apart for people who see
// red and green alike.
func okabe() palette {
	p := dark()
	p.accent, p.ringing, p.talking, p.held, p.bad, p.good = hex("#56B4E9"), hex("#F0E442"), hex("#2FBF9B"), hex("#E39BC6"), hex("#F0803C"), hex("#2FBF9B")
	return p
}

// terminal uses the sixteen colours that the person chose for the terminal.
func terminal() palette {
	return palette{dark: true, faint: ansi.BrightBlack, rule: ansi.BrightBlack, accent: ansi.Cyan, ringing: ansi.Yellow, talking: ansi.Green,
		held: ansi.Magenta, bad: ansi.Red, good: ansi.Green, on: ansi.Black, selected: nil}
}

// Names lists the themes that can be chosen.
func Names() []string { return []string{"auto", "dark", "light", "okabe", "terminal"} }

// Named returns the theme of that name; auto follows the terminal's background.
func Named(name string, darkBackground bool) (*Theme, error) {
	var p palette
	switch name {
	case "", "auto":
		name = "auto"
		if p = light(); darkBackground {
			p = dark()
		}
	case "dark":
		p = dark()
	case "light":
		p = light()
	case "okabe":
		p = okabe()
	case "terminal":
		p = terminal()
	default:
		return nil, fmt.Errorf("there is no theme %q: choose auto, dark, light, okabe or terminal", name)
	}
	t := p.theme()
	t.Name = name
	return t, nil
}

func (p palette) theme() *Theme {
	t := &Theme{
		Dark: p.dark,
		Text: mix(p.text, nil, 0), Strong: mix(p.strong, nil, bold), Dim: mix(p.dim, nil, 0), Faint: mix(p.faint, nil, 0), Rule: mix(p.rule, nil, 0),
		Title: mix(p.dim, nil, bold), Accent: mix(p.accent, nil, 0), Brand: mix(p.accent, nil, bold), Key: mix(p.accent, nil, bold),
		Next: mix(p.on, p.accent, bold), Select: mix(p.strong, p.selected, bold), Link: mix(p.accent, nil, underline),
		Input: mix(p.text, p.field, 0), Active: mix(p.strong, p.selected, 0),
		Ringing: mix(p.ringing, nil, bold), Talking: mix(p.talking, nil, bold), Held: mix(p.held, nil, bold), Problem: mix(p.bad, nil, bold),
		Warning: mix(p.ringing, nil, 0), Good: mix(p.good, nil, 0),
		BadgeReady: mix(p.on, p.good, bold), BadgeRinging: mix(p.on, p.ringing, bold), BadgeTalking: mix(p.on, p.accent, bold),
		BadgeAway: mix(p.on, p.held, bold), BadgeProblem: mix(p.on, p.bad, bold),
	}
	if p.selected == nil { // no background to spare: reverse video marks the line
		t.Select = mix(nil, nil, reverse)
		t.Active = mix(nil, nil, underline)
	}
	return t
}
