package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"offhook/media/codec"
)

// file builds a WAV file with the given format around raw samples.
func file(tag, channels, rate, bits int, size uint32, raw []byte) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\x00\x00\x00\x00WAVELIST\x03\x00\x00\x00abc\x00fmt ")
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	b = le.AppendUint16(b, uint16(bits))
	b = append(b, "data"...)
	b = le.AppendUint32(b, size)
	return append(b, raw...)
}

// strength is the share of the energy of pcm at hz, from 0 to 1.
func strength(pcm []int16, hz float64) float64 {
	var re, im, all float64
	for i, s := range pcm {
		x := float64(s)
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / Rate)
		re, im, all = re+x*cos, im+x*sin, all+x*x
	}
	if all == 0 {
		return 0
	}
	return 2 * (re*re + im*im) / all / float64(len(pcm))
}

func sine(rate int, hz float64, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(10000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return pcm
}

func TestEveryFormatOfTelephonyIsReadAsSixteenKilohertzMono(t *testing.T) {
	for _, c := range []struct {
		name                   string
		tag, chans, rate, bits int
		size                   uint32
	}{
		{"16 bit 8 kHz", 1, 1, 8000, 16, 1 << 30},
		{"16 bit 16 kHz never patched", 1, 1, 16000, 16, 0},
		{"16 bit stereo 44.1 kHz", 1, 2, 44100, 16, 0xFFFFFFFF},
		{"8 bit 11.025 kHz", 1, 1, 11025, 8, 1 << 30},
		{"8 bit stereo 22.05 kHz", 1, 2, 22050, 8, 1 << 30},
		{"µ-law", 7, 1, 8000, 8, 1 << 30},
		{"A-law stereo", 6, 2, 8000, 8, 1 << 30},
		{"16 bit 48 kHz", 1, 1, 48000, 16, 1 << 30},
	} {
		t.Run(c.name, func(t *testing.T) {
			var raw []byte
			for _, s := range sine(c.rate, 440, c.rate) {
				for range c.chans {
					var one [1]byte
					switch {
					case c.tag == 7:
						codec.ULaw.Encode(one[:], []int16{s})
						raw = append(raw, one[0])
					case c.tag == 6:
						codec.ALaw.Encode(one[:], []int16{s})
						raw = append(raw, one[0])
					case c.bits == 8:
						raw = append(raw, byte(int(s)>>8+128))
					default:
						raw = binary.LittleEndian.AppendUint16(raw, uint16(s))
					}
				}
			}
			size := c.size
			if size == 1<<30 {
				size = uint32(len(raw))
			}
			pcm, err := Decode(bytes.NewReader(file(c.tag, c.chans, c.rate, c.bits, size, raw)))
			if err != nil {
				t.Fatal(err)
			}
			if len(pcm) != Rate {
				t.Errorf("one second became %d samples, want %d", len(pcm), Rate)
			}
			if s := strength(pcm, 440); s < 0.97 {
				t.Errorf("the tone of 440 Hz holds %.3f of the energy, want nearly all", s)
			}
		})
	}
}

func TestBadFilesAreRefusedInOneLine(t *testing.T) {
	for name, data := range map[string][]byte{
		"empty":           nil,
		"text":            []byte("hello, this is not sound at all"),
		"cut in a chunk":  file(1, 1, 8000, 16, 0, nil)[:22],
		"24 bit":          file(1, 1, 8000, 24, 3, []byte{1, 2, 3}),
		"MP3 in WAV":      file(0x55, 1, 8000, 0, 3, []byte{1, 2, 3}),
		"no channels":     file(1, 0, 8000, 16, 2, []byte{1, 2}),
		"no rate":         file(1, 1, 0, 16, 2, []byte{1, 2}),
		"data but no fmt": []byte("RIFF\x00\x00\x00\x00WAVEdata\x00\x00\x00\x00"),
	} {
		if _, err := Decode(bytes.NewReader(data)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v, want ErrFormat", name, err)
		} else if bytes.ContainsRune([]byte(err.Error()), '\n') {
			t.Errorf("%s: the error has several lines: %q", name, err)
		}
	}
}

func TestAFileLeftByACrashLacksAtMostItsLastSecond(t *testing.T) {
	path := filepath.Join(t.TempDir(), "left.wav")
	w, err := Create(path, Rate)
	if err != nil {
		t.Fatal(err)
	}
	pcm := sine(Rate, 440, Rate*5/2)
	for i := 0; i < len(pcm); i += 160 {
		if err := w.Write(pcm[i:min(i+160, len(pcm))]); err != nil {
			t.Fatal(err)
		}
	}
	read := func() []int16 {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := binary.LittleEndian.Uint32(data[40:]), uint32(len(data)-44); got != want {
			t.Errorf("the header says %d bytes, the file holds %d", got, want)
		}
		back, err := Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return back
	}
	if n := len(read()); n != 2*Rate { // nobody closed it yet
		t.Errorf("%d samples are safe before Close, want %d", n, 2*Rate)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	back := read()
	if len(back) != len(pcm) {
		t.Fatalf("%d samples after Close, want %d", len(back), len(pcm))
	}
	for i := range back {
		if back[i] != pcm[i] {
			t.Fatalf("sample %d is %d, want %d", i, back[i], pcm[i])
		}
	}
	if err := w.Write(pcm); err == nil {
		t.Error("writing after Close was accepted")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(file(1, 2, 8000, 16, 8, make([]byte, 8)))
	f.Add(file(7, 1, 11025, 8, 0, make([]byte, 7)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return
		}
		if pcm, err := Decode(bytes.NewReader(data)); err == nil && len(pcm) > 16*len(data)+16 {
			t.Errorf("%d bytes became %d samples", len(data), len(pcm))
		}
	})
}
