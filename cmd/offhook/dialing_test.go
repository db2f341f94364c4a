package main

import (
	"testing"

	"offhook/ui/tape"
)

// playWith plays a story with settings of its own.
func playWith(t *testing.T, source string, set ...string) {
	t.Helper()
	script, err := tape.Read("story", source)
	if err != nil {
		t.Fatal(err)
	}
	e := placeEnv()
	e.set = append(e.set, set...)
	if err := tape.Play(t.Context(), script, e.stage); err != nil {
		t.Fatal(err)
	}
}

func TestTheBoxSaysWhatWillBeDialledAndTheCallWhatWas(t *testing.T) {
	playWith(t, `#: size 80x24
Wait+Screen /Available/
Wait+Screen /Salesforce .*Alex/
Type "o"
#: idle
Type "+1 415 555 2671"
Wait+Screen /Dialled as 9183014155552671/
Enter
Wait+Screen /dialled as 9183014155552671/
#: expect /\+1 415 555 2671/
Type "x"
Wait+Screen /Task in Salesforce/
Type "o"
#: idle
Type "2104"
#: idle
#: absent /Dialled as/
Enter
Wait+Screen /2104.*ringing/
Ctrl+n
Wait+Screen /talking/
#: idle
Type "x"
Wait+Screen /Task in Salesforce/
`, "dialing.outside=9", "dialing.international=1830")
}

func TestADeskThatIsHeldToItsLayoutCountsAndDoesNotList(t *testing.T) {
	playWith(t, `#: size 80x24
Wait+Screen /Available/
Wait+Screen /Salesforce .*Alex/
#: world layout {"Inbound":{"objects":{"Contact":["Name"],"Lead":["Name"],"Account":["Name"]},"screenPopSettings":{}}}
#: world call {"from":"01202528732"}
Wait+Screen /3 matches/
#: expect /your layout does not list them/
#: absent /Highbury/
Type "a"
Wait+Screen /talking/
#: idle
#: absent /0 matches/
Type "x"
Wait+Screen /Task in Salesforce/
#: world layout {"Inbound":{"objects":{}}}
#: world call {"from":"07814256404"}
Wait+Screen /searches nothing for inbound calls/
`, "layout.compat=true")
}
