package media

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// BenchmarkSecurePacket is a call's 20 ms as in BenchmarkPacket, encrypted both ways.
func BenchmarkSecurePacket(b *testing.B) {
	for _, suite := range append([]string{"in the clear"}, Suites()...) {
		b.Run(suite, func(b *testing.B) {
			v, s, p := target(b)
			p.Codec, p.SendPT, p.RecvPT = PCMU, 0, 0
			var far *outbound
			if suite != "in the clear" {
				p.Secure, _ = sdes(suite)
				far = must(newOutbound(*p.Secure.Recv))
			}
			if err := s.Configure(p); err != nil {
				b.Fatal(err)
			}
			data := packet(0, 0, 0, make([]byte, 160))
			var pcm, out [Frame]int16
			b.ReportAllocs()
			for n := uint32(0); b.Loop(); n++ {
				binary.BigEndian.PutUint16(data[2:], uint16(n))
				binary.BigEndian.PutUint32(data[4:], 160*n)
				wire := data
				if far != nil {
					wire, _ = far.protectRTP(data)
				}
				s.handleRTP(wire, p.Remote, v.now())
				for range 2 {
					s.WriteFrame(pcm[:])
					s.ReadFrame(out[:])
					v.add(10 * time.Millisecond)
				}
			}
		})
	}
}

// BenchmarkProtect is a packet of 20 ms encrypted, and verified and decrypted, without the network.
func BenchmarkProtect(b *testing.B) {
	for _, suite := range Suites() {
		for _, both := range []bool{false, true} {
			name := suite + "/encrypt"
			if both {
				name = suite + "/encrypt and decrypt"
			}
			b.Run(name, func(b *testing.B) {
				out, in := must(newOutbound(*testKey(suite, 1))), must(newInbound(*testKey(suite, 1)))
				data := packet(0, 0, 0, make([]byte, 160))
				b.ReportAllocs()
				for n := uint16(0); b.Loop(); n++ {
					binary.BigEndian.PutUint16(data[2:], n)
					p, _ := out.protectRTP(data)
					if both {
						in.openRTP(p)
					}
				}
			})
		}
	}
}

// FuzzSRTP is what a stranger may put on the port of an encrypted call, from the far end's own address.
func FuzzSRTP(f *testing.F) {
	v, s, p := target(f)
	other := must(newOutbound(*testKey("AES_CM_128_HMAC_SHA1_80", 2)))
	good, _ := other.protectRTP(packet(1, 160, 9, make([]byte, 160)))
	f.Add(bytes.Clone(good))
	if data, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1}, rtcp.NewCNAMESourceDescription(1, "x")}); err == nil {
		report, _ := other.protectRTCP(data)
		f.Add(report)
	}
	f.Add([]byte{0x80, 200, 0, 1, 0, 0, 0, 0})
	f.Add([]byte{0x9f, 9, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff})
	for _, suite := range []string{"AES_CM_128_HMAC_SHA1_80", "AEAD_AES_256_GCM"} {
		p.Secure, _ = sdes(suite)
		if err := s.Configure(p); err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.Clone(good))
	}
	p.Secure, _ = sdes("AES_CM_128_HMAC_SHA1_80")
	if err := s.Configure(p); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := s.Stats()
		s.handleRTP(data, p.Remote, v.now())
		s.handleRTCP(data, p.RemoteRTCP, v.now())
		v.add(time.Millisecond)
		if st := s.Stats(); st.PacketsReceived > before.PacketsReceived+1 || st.PacketsReceived != before.PacketsReceived && !bytes.Equal(data, good) {
			t.Fatalf("a packet was taken for the far end's: %x", data)
		}
	})
}
