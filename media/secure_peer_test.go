package media

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"
)

// output gathers what a program says while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// openssl runs one of its test programs until the test ends; its certificate is c.
func openssl(t *testing.T, c *Certificate, args ...string) *output {
	t.Helper()
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("peer openssl is not installed")
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.tls.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "both.pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.tls.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out := new(output)
	cmd := exec.CommandContext(t.Context(), program, append(args, "-cert", file, "-key", file, "-dtls1_2")...)
	in, err := cmd.StdinPipe() // left open: at its end the program leaves
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return out
}

// spare is a pair of ports for another program to bind. The kernel gives out none below 32768 by itself, so nobody takes them meanwhile.
func spare(t *testing.T) netip.AddrPort {
	t.Helper()
	for range 100 {
		low := 20_000 + 2*mathrand.IntN(5000)
		a, b, err := listenPair(loopback(0).Addr(), low, low+1, 0)
		if err != nil {
			continue
		}
		a.Close()
		b.Close()
		return loopback(uint16(low))
	}
	t.Fatal("there is no pair of free ports")
	return netip.AddrPort{}
}

// authority is the file of one that signed nothing here. A server that has one names it when it asks for our certificate; mbedTLS, which
// Linphone uses, always names some. The fingerprint is the proof all the same (RFC 5763 §5).
func authority(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Some Authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

var (
	keying  = regexp.MustCompile(`Keying material: ([0-9A-F]+)`)
	profile = regexp.MustCompile(`SRTP Extension negotiated, profile=(\S+)`)
)

func TestOpenSSLAgreesOnSuiteAndKeysInBothRoles(t *testing.T) {
	for _, tc := range []struct{ offered, suite string }{
		{"SRTP_AES128_CM_SHA1_80", "AES_CM_128_HMAC_SHA1_80"},
		{"SRTP_AES128_CM_SHA1_32", "AES_CM_128_HMAC_SHA1_32"},
		{"SRTP_AEAD_AES_128_GCM", "AEAD_AES_128_GCM"},
		{"SRTP_AEAD_AES_256_GCM", "AEAD_AES_256_GCM"},
	} {
		for _, client := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, we begin %v", tc.offered, client), func(t *testing.T) {
				ours, theirs := certificate(t), certificate(t)
				su, _ := suiteNamed(tc.suite)
				export := []string{"-use_srtp", tc.offered, "-keymatexport", exporter, "-keymatexportlen", fmt.Sprint(2 * (su.key + su.salt))}
				var l told
				s := listen(t, newVirtual(), Config{Certificate: ours, OnSecure: l.add})
				p := Params{Codec: PCMU, Send: true, Receive: true, Mux: true, Latch: true, Remote: loopback(9),
					Secure: Secure{Kind: DTLSSRTP, DTLS: &DTLS{Fingerprints: []string{theirs.Fingerprint()}, Client: client}}}
				var out *output
				if client {
					p.Remote = spare(t)
					out = openssl(t, theirs, slices.Concat([]string{"s_server", "-accept", p.Remote.String(), "-Verify", "1", "-CAfile", authority(t)}, export)...)
					until(t, func() bool { return bytes.Contains([]byte(out.String()), []byte("ACCEPT")) })
				} else {
					out = openssl(t, theirs, slices.Concat([]string{"s_client", "-connect", s.LocalRTP().String()}, export)...)
				}
				if err := s.Configure(p); err != nil {
					t.Fatal(err)
				}
				until(t, func() bool { return len(l.all()) > 0 && keying.MatchString(out.String()) })
				if got := l.all()[0]; !got.OK || got.Suite != tc.suite {
					t.Fatalf("told %+v; openssl says\n%s", got, out)
				}
				all, err := hex.DecodeString(keying.FindStringSubmatch(out.String())[1])
				if err != nil || len(all) != 2*(su.key+su.salt) {
					t.Fatalf("openssl's keys: %v, %d octets", err, len(all))
				}
				k, salts := all[:2*su.key], all[2*su.key:]
				clients, servers := slices.Concat(k[:su.key], salts[:su.salt]), slices.Concat(k[su.key:], salts[su.salt:])
				c := s.config.Load()
				if client != bytes.Equal(c.out.key.KeySalt, clients) || client != bytes.Equal(c.in.key.KeySalt, servers) ||
					!client != bytes.Equal(c.out.key.KeySalt, servers) {
					t.Error("the keys are not those that openssl exports")
				}
				if m := profile.FindStringSubmatch(out.String()); m != nil && m[1] != tc.offered {
					t.Errorf("openssl negotiated %s", m[1])
				}
			})
		}
	}
}

func TestFFmpegHearsAndIsHeardEncrypted(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("peer ffmpeg is not installed")
	}
	for _, suite := range []string{"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"} {
		key := testKey(suite, 77)
		inline := base64Key(key)
		t.Run(suite+" from ffmpeg", func(t *testing.T) {
			t.Parallel()
			s, err := Listen(Config{LocalIP: loopback(0).Addr()})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			p := Params{Remote: loopback(9), Codec: PCMU, Receive: true, Latch: true, Secure: Secure{Kind: SDES, Send: testKey(suite, 1), Recv: key}}
			if err := s.Configure(p); err != nil {
				t.Fatal(err)
			}
			var heard []int16
			clock := NewClock()
			defer clock.Close()
			var mu sync.Mutex
			defer clock.Drive(s, nil, func(f []int16) { mu.Lock(); heard = append(heard, f...); mu.Unlock() })()
			out, err := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-re", "-f", "lavfi", "-i", "sine=frequency=1000:sample_rate=8000:duration=2",
				"-c:a", "pcm_mulaw", "-f", "rtp", "-srtp_out_suite", suite, "-srtp_out_params", inline,
				fmt.Sprintf("srtp://%v?pkt_size=172", s.LocalRTP())).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			until(t, func() bool { return s.Stats().PacketsReceived >= 90 }) // some may still wait in the socket
			st := s.Stats()
			mu.Lock()
			defer mu.Unlock()
			if got := purest(heard, 1000); got < 0.95 || st.SecureErrors != 0 {
				t.Errorf("the tone holds %.3f; %+v", got, st)
			}
		})
		t.Run(suite+" to ffmpeg", func(t *testing.T) {
			t.Parallel()
			s, err := Listen(Config{LocalIP: loopback(0).Addr()})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			to := spare(t)
			sdp := filepath.Join(t.TempDir(), "call.sdp")
			text := fmt.Sprintf("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio %d RTP/SAVP 0\na=crypto:1 %s inline:%s\n", to.Port(), suite, inline)
			if err := os.WriteFile(sdp, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-protocol_whitelist", "file,udp,rtp,srtp,crypto", "-i", sdp,
				"-t", "1", "-f", "s16le", "-ar", "16000", "-ac", "1", "pipe:1")
			pipe, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			var says output
			cmd.Stderr = &says
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if err := s.Configure(Params{Remote: netip.AddrPortFrom(to.Addr(), to.Port()), Codec: PCMU, Send: true,
				Secure: Secure{Kind: SDES, Send: key, Recv: testKey(suite, 1)}}); err != nil {
				t.Fatal(err)
			}
			clock := NewClock()
			defer clock.Close()
			tone := &sine{hz: 1000, amp: 8000}
			defer clock.Drive(s, tone.frame, nil)()
			timer := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
			raw, err := io.ReadAll(pipe)
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v: %s", err, &says)
			}
			pcm := make([]int16, len(raw)/2)
			for i := range pcm {
				pcm[i] = int16(raw[2*i]) | int16(raw[2*i+1])<<8
			}
			if err != nil || len(pcm) < Rate/2 {
				t.Fatalf("ffmpeg wrote %d samples (%v): %s", len(pcm), err, &says)
			}
			if got := purest(pcm, 1000); got < 0.95 {
				t.Errorf("what ffmpeg hears holds %.3f of the tone", got)
			}
		})
	}
}
