package media

import (
	"testing"
	"time"

	"offhook/media/codec"
	"offhook/media/codec/opus"
	"offhook/media/resample"
)

// kinds are all that can be played here.
func kinds(t testing.TB) []kind {
	t.Helper()
	list := []kind{kindPCMU, kindPCMA, kindG722}
	if opus.Available() {
		if err := opus.Wait(); err != nil {
			t.Fatal(err)
		}
		list = append(list, kindOpus)
	}
	return list
}

func codecName(k kind) string {
	return map[kind]string{kindPCMU: "PCMU", kindPCMA: "PCMA", kindG722: "G722", kindOpus: "opus"}[k]
}

// coder makes the payloads of one kind.
type coder struct {
	k    kind
	g722 *codec.G722Encoder
	opus *opus.Encoder
	down *resample.Resampler
}

func newCoder(t testing.TB, k kind) *coder {
	t.Helper()
	c := &coder{k: k, g722: codec.NewG722Encoder(), down: resample.New(Rate, 8000)}
	if k == kindOpus {
		if err := opus.Wait(); err != nil {
			t.Fatal(err)
		}
		c.opus = opus.NewEncoder(opus.Settings{Bitrate: 24000, FEC: true, Loss: 5})
		t.Cleanup(c.opus.Release)
	}
	return c
}

// packet codes some sound into a new payload.
func (c *coder) packet(pcm []int16) []byte {
	out := make([]byte, opus.MaxPacket)
	n := 0
	switch c.k {
	case kindOpus:
		n, _ = c.opus.Encode(out, pcm)
	case kindG722:
		n = c.g722.Encode(out, pcm)
	case kindPCMA:
		n = codec.ALaw.Encode(out, c.down.Process(nil, pcm))
	default:
		n = codec.ULaw.Encode(out, c.down.Process(nil, pcm))
	}
	return out[:n]
}

// ticks is the RTP time of some samples.
func (c *coder) ticks(samples int) uint32 { return uint32(samples * c.k.clock() / Rate) }

// BenchmarkCodecs is what 20 ms of a call cost in each codec: both directions, jitter buffer and resampling with them.
func BenchmarkCodecs(b *testing.B) {
	for _, k := range kinds(b) {
		c := newCoder(b, k)
		voice := vowel(140)
		var pcm [50][2 * Frame]int16
		var packets [50][]byte
		for i := range pcm {
			voice(pcm[i][:])
			packets[i] = c.packet(pcm[i][:])
		}
		b.Run(codecName(k)+"/encode", func(b *testing.B) {
			s, err := newSender()
			if err != nil {
				b.Fatal(err)
			}
			p := Params{Remote: loopback(9), Codec: map[kind]Codec{kindPCMU: PCMU, kindPCMA: PCMA, kindG722: G722, kindOpus: Opus}[k],
				Send: true, Fmtp: "useinbandfec=1"}
			conf, err := complete(p)
			if err != nil {
				b.Fatal(err)
			}
			defer s.release()
			b.ReportAllocs()
			i, now := 0, time.Second
			for b.Loop() {
				for f := range 2 {
					s.write(now, pcm[i%50][f*Frame:(f+1)*Frame], conf, false, func([]byte) bool { return true })
					now += 10 * time.Millisecond
				}
				i++
			}
		})
		b.Run(codecName(k)+"/decode", func(b *testing.B) {
			p := newPlayer()
			defer p.release()
			var frame [Frame]int16
			b.ReportAllocs()
			i, now := 0, time.Second
			for b.Loop() {
				p.put(1, uint16(i), uint32(i)*c.ticks(2*Frame), k, packets[i%50], now)
				for range 2 {
					p.get(now, frame[:])
					now += 10 * time.Millisecond
				}
				i++
			}
		})
	}
}
