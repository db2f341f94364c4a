package record

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"offhook/media/codec/opus"
)

// fakeEncoder makes packets of growing length whose content says what they are.
type fakeEncoder struct{ n int }

func (e *fakeEncoder) Encode(dst []byte, pcm []int16) (int, error) {
	e.n++
	size := 1 + e.n*37%600
	for i := range size {
		dst[i] = byte(e.n)
	}
	dst[0] = 0x48 // one frame of 20 ms
	return size, nil
}

// pagesOf cuts a file into its pages and checks each one.
func pagesOf(t testing.TB, b []byte) (pages [][]byte) {
	t.Helper()
	for at := 0; at < len(b); {
		p := b[at:]
		if len(p) < 27 || string(p[:4]) != "OggS" || p[4] != 0 {
			t.Fatalf("no page at %d of %d", at, len(b))
		}
		size := 27 + int(p[26])
		for _, s := range p[27:size] {
			size += int(s)
		}
		p = p[:size]
		if oggSum(p) != binary.LittleEndian.Uint32(p[22:]) {
			t.Fatalf("page %d has a wrong checksum", len(pages))
		}
		if n := int(binary.LittleEndian.Uint32(p[18:])); n != len(pages) {
			t.Fatalf("page %d has the number %d", len(pages), n)
		}
		if (p[5]&oggFirst != 0) != (len(pages) == 0) {
			t.Fatalf("page %d has flags %x", len(pages), p[5])
		}
		pages = append(pages, p)
		at += size
	}
	return pages
}

// packetsOf are the packets of pages on which each packet ends.
func packetsOf(pages [][]byte) (packets [][]byte) {
	for _, p := range pages {
		at := 27 + int(p[26])
		var one []byte
		for _, s := range p[27 : 27+int(p[26])] {
			one = append(one, p[at:at+int(s)]...)
			at += int(s)
			if s < 255 {
				packets = append(packets, one)
				one = nil
			}
		}
	}
	return packets
}

// split takes the two mono packets out of one of ours.
func split(t testing.TB, p []byte) (left, right []byte) {
	t.Helper()
	n, at := int(p[1]), 2
	if n >= 252 {
		n, at = n+4*int(p[2]), 3
	}
	return append([]byte{p[0]}, p[at:at+n]...), p[at+n:]
}

func TestTheChecksumIsOgg(t *testing.T) {
	// the first page of a Vorbis file, from RFC 3533's own family: an empty last page with all fields zero
	if got := oggSum(make([]byte, 27)); got != 0 {
		t.Errorf("the sum of nothing is %x", got)
	}
	if got := oggSum([]byte("123456789")); got != 0x89a1897f { // CRC-32/MPEG-2's polynomial, no initial value, no inversion
		t.Errorf("the sum of 123456789 is %x", got)
	}
}

func TestOggPacketsComeBackAsTheyWere(t *testing.T) {
	b := sound(t, Opus, 100, true)
	pages := pagesOf(t, b)
	if len(pages) < 100 || pages[len(pages)-1][5]&oggLast == 0 {
		t.Fatalf("%d pages", len(pages))
	}
	packets := packetsOf(pages)
	head := packets[0]
	if string(head[:8]) != "OpusHead" || head[8] != 1 || head[9] != 2 || head[18] != 1 || !bytes.Equal(head[19:], []byte{2, 0, 0, 1}) {
		t.Errorf("head %x", head)
	}
	if string(packets[1][:8]) != "OpusTags" {
		t.Errorf("tags %q", packets[1])
	}
	var l, r fakeEncoder
	var want [1275]byte
	for i, p := range packets[2:] {
		left, right := split(t, p)
		for side, pair := range map[*fakeEncoder][]byte{&l: left, &r: right} {
			n, _ := side.Encode(want[:], nil)
			if !bytes.Equal(pair, want[:n]) {
				t.Fatalf("packet %d is not what was encoded", i)
			}
		}
	}
	if end := binary.LittleEndian.Uint64(pages[len(pages)-1][6:]); end != 100*opusTicks+opusPreSkip {
		t.Errorf("the sound ends at %d, want %d", end, 100*opusTicks+opusPreSkip)
	}
}

func TestLongPacketsFillPages(t *testing.T) {
	var b bytes.Buffer
	o := &oggWriter{w: &b}
	var want [][]byte
	for n := range 300 {
		p := bytes.Repeat([]byte{byte(n)}, n*13%2600)
		want = append(want, p)
		if err := o.packet(p, uint64(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.flush(oggLast); err != nil {
		t.Fatal(err)
	}
	got := packetsOf(pagesOf(t, b.Bytes()))
	if len(got) != len(want) {
		t.Fatalf("%d packets of %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("packet %d", i)
		}
	}
	if err := o.packet(make([]byte, 70_000), 0); err == nil {
		t.Error("a packet larger than a page is taken")
	}
}

func TestRealOpusKeepsBothSidesApart(t *testing.T) {
	if err := opus.Wait(); err != nil {
		t.Skip("Opus is not available here: ", err)
	}
	m := &memory{}
	s, err := newOpusSink(m, func() (Encoder, error) { return opus.NewEncoder(opus.Settings{Bitrate: 24000}), nil })
	if err != nil {
		t.Fatal(err)
	}
	left, right := &tone{hz: 440, amp: 8000, rate: Rate}, &tone{hz: 880, amp: 8000, rate: Rate}
	for range 200 {
		if err := s.write(left.frame(), right.frame()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.close(nil); err != nil {
		t.Fatal(err)
	}
	decoders := [2]*opus.Decoder{opus.NewDecoder(), opus.NewDecoder()}
	defer decoders[0].Release()
	defer decoders[1].Release()
	var out [2][]int16
	for _, p := range packetsOf(pagesOf(t, m.b))[2:] {
		l, r := split(t, p)
		for i, one := range [][]byte{l, r} {
			pcm := make([]int16, opusBlock)
			n, err := decoders[i].Decode(pcm, one)
			if err != nil || n != opusBlock {
				t.Fatalf("decoding: %d, %v", n, err)
			}
			out[i] = append(out[i], pcm...)
		}
	}
	for i, hz := range []float64{440, 880} {
		if s := strength(out[i][Rate/4:2*Rate-Frame], hz); s < 0.95 || math.IsNaN(s) {
			t.Errorf("side %d holds %.3f of %.0f Hz", i, s, hz)
		}
	}
	t.Logf("%.1f kbit/s for both sides", float64(len(m.b))*8/2000)
}
