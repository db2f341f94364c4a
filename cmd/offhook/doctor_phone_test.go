package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// issues writes a certificate that signed itself, for 127.0.0.1, and its key into the room: NAME.pem and NAME.key.
func (r room) issues(name string, from, until time.Time) tls.Certificate {
	r.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(r.t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	check(r.t, err)
	raw, err := x509.MarshalECPrivateKey(key)
	check(r.t, err)
	cert, own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw})
	r.write(name+".pem", string(cert))
	r.write(name+".key", string(own))
	pair, err := tls.X509KeyPair(cert, own)
	check(r.t, err)
	return pair
}

// shakesHands is a server that shows a certificate, and says where it listens.
func shakesHands(t *testing.T, pair tls.Certificate) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	check(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = c.Read(make([]byte, 1)) // shakes hands, and waits for the other to leave
			}()
		}
	}()
	return l.Addr().String()
}

// settings writes the settings of an account that uses TLS; more stands in [sip].
func (r room) settings(registrar, more string) {
	r.t.Helper()
	r.write("config.toml", fmt.Sprintf("[sip]\naccount = \"sip:2101@127.0.0.1\"\nregistrar = %q\ntransport = \"tls\"\npassword = \"x\"\nallow_plaintext = true\n%s\n"+
		"[audio]\ninput = \"null\"\noutput = \"null\"\nring = \"off\"\n[storage]\ndir = %q\n", registrar, more, r.path("state")))
}

func TestCertificatesAndKeysAreReadBeforeAnybodyNeedsThem(t *testing.T) {
	now := time.Now()
	for name, tt := range map[string]struct {
		set  string // DIR stands for the folder
		says []string
		ids  []string // of doctor, beside what it says of a registrar that is not there
	}{
		"as it should be": {"ca_file = \"DIR/good.pem\"\ncertificate = \"DIR/good.pem\"\nkey = \"DIR/good.key\"", nil, nil},
		"no such authority": {"ca_file = \"DIR/none.pem\"",
			[]string{"sip.ca_file: ", "none.pem cannot be read: no such file or directory: offhook does not start"}, []string{"sip.files"}},
		"another's key": {"certificate = \"DIR/good.pem\"\nkey = \"DIR/old.key\"",
			[]string{"sip.certificate: ", "good.pem does not belong to the key ", "offhook does not start"}, []string{"sip.files"}},
		"ended": {"certificate = \"DIR/old.pem\"\nkey = \"DIR/old.key\"",
			[]string{"sip.certificate: ", "old.pem ended on ", "refuses the telephone: none of its calls comes in"}, []string{"sip.own"}},
		"not yet": {"certificate = \"DIR/young.pem\"\nkey = \"DIR/young.key\"", []string{"young.pem is valid only from "}, []string{"sip.own"}},
		"an authority that ended": {"ca_file = \"DIR/old.pem\"",
			[]string{"sip.ca_file: ", "old.pem ended on ", "no server is believed: the telephone does not register"}, []string{"sip.authority"}},
		"of a further account": {"accounts = [{account = \"sip:31@127.0.0.1\", certificate = \"DIR/old.pem\", key = \"DIR/old.key\"}]",
			[]string{"sip.accounts: certificate of 31@127.0.0.1: ", "refuses 31@127.0.0.1"}, []string{"sip.own"}},
		"the same at every account": {"ca_file = \"DIR/old.pem\"\naccounts = [{account = \"sip:31@127.0.0.1\"}]", []string{"sip.ca_file: "}, []string{"sip.authority"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t, "")
			r.issues("good", now.Add(-time.Hour), now.Add(30*24*time.Hour))
			r.issues("old", now.Add(-48*time.Hour), now.Add(-24*time.Hour))
			r.issues("young", now.Add(24*time.Hour), now.Add(48*time.Hour))
			r.settings("127.0.0.1:1", strings.ReplaceAll(tt.set, "DIR", r.dir))
			out, err := r.run("config", "check")
			if err != nil {
				out += err.Error()
			}
			if (err == nil) != (tt.says == nil) || err != nil && len(strings.Split(err.Error(), "\n")) != 1 {
				t.Errorf("%s", out)
			}
			for _, want := range tt.says {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not said:\n%s", want, out)
				}
			}
			ids, said, _ := r.doctors()
			ids = slices.DeleteFunc(ids, func(id string) bool { return id == "sip.server" || id == "org.off" })
			if !slices.Equal(ids, tt.ids) {
				t.Errorf("doctor finds %q:\n%s", ids, said)
			}
		})
	}
}

func TestDoctorAsksTheServersOfEveryAccount(t *testing.T) {
	now := time.Now()
	r := newRoom(t, "")
	good := shakesHands(t, r.issues("good", now.Add(-time.Hour), now.Add(30*24*time.Hour)))
	ending := shakesHands(t, r.issues("ending", now.Add(-time.Hour), now.Add(2*24*time.Hour)))
	old := shakesHands(t, r.issues("old", now.Add(-48*time.Hour), now.Add(-24*time.Hour)))
	both := fmt.Sprintf("ca_file = %q\naccounts = [{account = \"sip:31@127.0.0.1\", registrar = %%q, ca_file = \"%s/%%s.pem\"}]", r.path("good.pem"), r.dir)
	for name, tt := range map[string]struct {
		registrar, set string
		ids, says      []string
	}{
		"both are well":                                   {good, fmt.Sprintf(both, good, "good"), nil, nil},
		"the second one's ends soon":                      {good, fmt.Sprintf(both, ending, "ending"), []string{"sip.expires"}, []string{ending}},
		"the second one's has ended":                      {good, fmt.Sprintf(both, old, "good"), []string{"sip.certificate"}, []string{old, "expired on", "31@127.0.0.1 does not register"}},
		"the second one is believed by another authority": {good, fmt.Sprintf(both, ending, "good"), []string{"sip.certificate"}, []string{"31@127.0.0.1 does not register"}},
		"neither":         {old, fmt.Sprintf(both, old, "good"), []string{"sip.certificate"}, []string{"the telephone does not register"}},
		"a second way in": {old, fmt.Sprintf("ca_file = %q\nregistrar2 = %q", r.path("good.pem"), good), []string{"sip.one"}, []string{old, "expired on"}},
		"a second way that is no way either": {old, fmt.Sprintf("ca_file = %q\nregistrar2 = \"nobody.invalid\"", r.path("good.pem")),
			[]string{"sip.certificate", "sip.name"}, []string{"nobody.invalid", "the telephone does not register"}},
		"a password of its own": {good, fmt.Sprintf("ca_file = %q\naccounts = [{account = \"sip:31@127.0.0.1\", registrar = %q, password_command = \"false\"}]", r.path("good.pem"), good),
			[]string{"sip.password"}, []string{"31@127.0.0.1 does not register"}},
	} {
		t.Run(name, func(t *testing.T) {
			r.settings(tt.registrar, tt.set)
			ids, said, _ := r.doctors()
			ids = slices.DeleteFunc(ids, func(id string) bool { return id == "org.off" })
			if !slices.Equal(ids, tt.ids) {
				t.Errorf("%q, want %q:\n%s", ids, tt.ids, said)
			}
			for _, want := range tt.says {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not said:\n%s", want, said)
				}
			}
		})
	}
}
