package prompts

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"
)

func dBFS(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return 10 * math.Log10(sum/float64(max(1, len(pcm)))/(32768*32768)+1e-12)
}

func TestEveryPromptCanBeHeardAndRead(t *testing.T) {
	total := 0
	for _, p := range List() {
		pcm, err := Load(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := ULaw(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		total += len(raw)
		if got, want := len(pcm), 2*len(raw); got != want {
			t.Errorf("%s has %d samples at 16 kHz, want %d", p.Name, got, want)
		}
		limit := 6 * time.Second
		if p.Name == Hold {
			limit = 10 * time.Second
		} else if p.Text == "" {
			t.Errorf("%s has no words", p.Name)
		}
		if p.Length < time.Second || p.Length > limit {
			t.Errorf("%s takes %v", p.Name, p.Length)
		}
		if level := dBFS(pcm); level < -30 || level > -12 {
			t.Errorf("%s has %.1f dBFS", p.Name, level)
		}
	}
	if total > 600_000 {
		t.Errorf("the prompts have %d bytes, more than a small program should carry", total)
	}
	if Text(Fred.Says(Greeting)) == "" || Text(Hold) != "" {
		t.Error("Text does not find the words")
	}
}

func TestEveryCallerHasWordsForEveryMoment(t *testing.T) {
	var names []string
	for _, p := range List() {
		names = append(names, p.Name)
	}
	for _, c := range Callers() {
		for _, m := range Moments() {
			if !slices.Contains(names, c.Says(m)) {
				t.Errorf("%s says nothing at %s", c, m)
			}
		}
	}
	for _, name := range []string{Colleague, Voicemail, Echo, Hold} {
		if !slices.Contains(names, name) {
			t.Errorf("no prompt %s", name)
		}
	}
	if n := len(Callers())*len(Moments()) + 4; len(names) != n {
		t.Errorf("%d prompts, want %d", len(names), n)
	}
}

func TestTheVoicemailEndsWithABeep(t *testing.T) {
	pcm, err := Load(Voicemail)
	if err != nil {
		t.Fatal(err)
	}
	beep := pcm[len(pcm)-2*Rate/5 : len(pcm)-Rate/10] // inside the last 0.4 s
	var re, im, all float64
	for i, s := range beep {
		w := 2 * math.Pi * 1000 * float64(i) / Rate
		re += float64(s) * math.Cos(w)
		im += float64(s) * math.Sin(w)
		all += float64(s) * float64(s)
	}
	if got := 2 * (re*re + im*im) / (all * float64(len(beep))); got < 0.95 {
		t.Errorf("only %.2f of the end is 1000 Hz", got)
	}
}

func TestTheMusicLoopsWithoutASeam(t *testing.T) {
	pcm, err := Load(Hold)
	if err != nil {
		t.Fatal(err)
	}
	step := 0
	for i := 1; i < len(pcm); i++ {
		step = max(step, abs(int(pcm[i])-int(pcm[i-1])))
	}
	if seam := abs(int(pcm[0]) - int(pcm[len(pcm)-1])); seam > step {
		t.Errorf("the seam jumps by %d; the largest step inside is %d", seam, step)
	}
	// No part of it is silent, or the customer would think that the line is dead.
	for at := 0; at+Rate/2 <= len(pcm); at += Rate / 2 {
		if level := dBFS(pcm[at : at+Rate/2]); level < -40 {
			t.Errorf("%.1f dBFS at %v", level, time.Duration(at)*time.Second/Rate)
		}
	}
}

func abs(n int) int { return max(n, -n) }

func TestAnUnknownNameIsAnError(t *testing.T) {
	for _, name := range []string{"", "nobody-greeting", "../prompts/hold", "hold.ulaw", `a\b`} {
		if _, err := Load(name); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
