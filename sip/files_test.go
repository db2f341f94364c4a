package sip

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAFileOfTLSThatCannotBeUsedIsSaidBeforeAnythingConnects(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue("phone.example.com")
	otherCert, _ := ca.issue("other.example.com")
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	locked := file("locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
	oldLocked := file("old.key", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte{1}})))
	broken := file("broken.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	huge := file("huge.pem", strings.Repeat("x", maxPEM+1))
	both, now := TLS{CAFile: ca.File, CertFile: cert, KeyFile: key}, time.Now()
	for name, tt := range map[string]struct {
		set       TLS
		transport string
		now       time.Time
		want      []FileFault // What: a part of it
	}{
		"nothing set":                     {TLS{}, "tls", now, nil},
		"as it should be":                 {both, "tls", now, nil},
		"no such authority":               {TLS{CAFile: dir + "/none.pem"}, "tls", now, []FileFault{{FileUnusable, "ca_file", "none.pem cannot be read: no such file"}}},
		"an authority that is a folder":   {TLS{CAFile: dir}, "tls", now, []FileFault{{FileUnusable, "ca_file", "cannot be read: is a directory"}}},
		"an authority that is a key":      {TLS{CAFile: key}, "tls", now, []FileFault{{FileUnusable, "ca_file", "holds no certificate in PEM form"}}},
		"an authority without an end":     {TLS{CAFile: huge}, "tls", now, []FileFault{{FileUnusable, "ca_file", "larger than 1 MB"}}},
		"no such certificate and no key":  {TLS{CertFile: dir + "/a", KeyFile: dir + "/b"}, "udp", now, []FileFault{{FileUnusable, "certificate", "/a cannot be read"}, {FileUnusable, "key", "/b cannot be read"}}},
		"a certificate alone":             {TLS{CertFile: cert}, "tls", now, []FileFault{{FileUnusable, "key", "is needed beside certificate"}}},
		"a key alone":                     {TLS{KeyFile: key}, "tls", now, []FileFault{{FileUnusable, "certificate", "is needed beside key"}}},
		"the one in the place of another": {TLS{CertFile: key, KeyFile: cert}, "tls", now, []FileFault{{FileUnusable, "certificate", "holds no certificate"}, {FileUnusable, "key", "holds no key"}}},
		"another's key":                   {TLS{CertFile: otherCert, KeyFile: key}, "tls", now, []FileFault{{FileUnusable, "certificate", "other.example.com.pem does not belong to the key"}}},
		"a key with a passphrase":         {TLS{CertFile: cert, KeyFile: locked}, "tls", now, []FileFault{{FileUnusable, "key", "has a passphrase"}}},
		"one of the old form":             {TLS{CertFile: cert, KeyFile: oldLocked}, "tls", now, []FileFault{{FileUnusable, "key", "has a passphrase"}}},
		"a key that is none":              {TLS{CertFile: cert, KeyFile: broken}, "tls", now, []FileFault{{FileUnusable, "certificate", "cannot be used: "}}},
		"too late": {both, "tls", now.Add(30 * 24 * time.Hour), []FileFault{
			{OwnOutOfDate, "certificate", "phone.example.com.pem ended on "}, {AuthoritiesOut, "ca_file", "ca.pem ended on "}}},
		"too early": {both, "auto", now.Add(-30 * 24 * time.Hour), []FileFault{
			{OwnOutOfDate, "certificate", "is valid only from "}, {AuthoritiesOut, "ca_file", "ca.pem is valid only from "}}},
		"too late for nobody: no TLS":       {both, "udp", now.Add(30 * 24 * time.Hour), nil},
		"too late, but anybody is believed": {TLS{CAFile: ca.File, AllowInsecure: true}, "tls", now.Add(30 * 24 * time.Hour), nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := Config{Account: "sip:a@b", Registrar: "auto", Transport: tt.transport, TLS: tt.set}
			got := Files(c, tt.now)
			if len(got) != len(tt.want) {
				t.Fatalf("%+v, want %+v", got, tt.want)
			}
			_, err := Ways(c)
			for i, f := range got {
				if w := tt.want[i]; f.Problem != w.Problem || f.Key != w.Key || !strings.Contains(f.What, w.What) || strings.Contains(f.What, "\n") {
					t.Errorf("%+v, want %+v", f, w)
				}
				if (err != nil) != (f.Problem == FileUnusable) {
					t.Errorf("Open says %v", err)
				}
			}
			if len(got) == 0 && err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOneAuthorityThatIsValidTodayIsEnough(t *testing.T) {
	old, young := newAuthority(t), newAuthority(t)
	now := young.cert.NotAfter.Add(-time.Minute)
	stale := *old.cert
	stale.NotAfter = now.Add(-time.Hour)
	for name, tt := range map[string]struct {
		all  []*x509.Certificate
		want string
	}{"one of two": {[]*x509.Certificate{&stale, young.cert}, ""}, "one": {[]*x509.Certificate{&stale}, "ended on "}, "none of two": {[]*x509.Certificate{&stale, &stale}, "no certificate that is valid today"}} {
		if why := noneValid(tt.all, now); (why == "") != (tt.want == "") || !strings.Contains(why, tt.want) {
			t.Errorf("%s: %q", name, why)
		}
	}
}

func TestAWayIsWhereThePhoneRegisters(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  Config
		want []string
	}{
		"the domain":      {Config{Account: "sip:a@b.example", Registrar: "auto"}, []string{"b.example/UDP"}},
		"the proxy":       {Config{Account: "sip:a@b.example", Registrar: "auto", OutboundProxy: "edge.example", Transport: "tls"}, []string{"edge.example/TLS"}},
		"two registrars":  {Config{Account: "sip:a@b.example", Registrar: "auto", Registrar2: "c.example", Transport: "tcp"}, []string{"b.example/TCP", "c.example/TCP"}},
		"a second proxy":  {Config{Account: "sip:a@b.example", Registrar: "auto", OutboundProxy2: "sip:d.example;transport=tls"}, []string{"b.example/UDP", "d.example/TLS"}},
		"nobody to go to": {Config{Account: "sip:a@b.example"}, nil},
	} {
		ways, err := Ways(tt.cfg)
		var got []string
		for _, w := range ways {
			got = append(got, w.Target.Host+"/"+w.Target.Transport)
			if w.TLS == nil || w.TLS.ServerName != w.Target.Host {
				t.Errorf("%s: TLS proves %+v", name, w.TLS)
			}
		}
		if err != nil || strings.Join(got, " ") != strings.Join(tt.want, " ") {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func FuzzAFileOfTLSIsReadWhateverItHolds(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n"))
	path := filepath.Join(f.TempDir(), "f.pem")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, fault := range Files(Config{Account: "sip:a@b", Transport: "tls", TLS: TLS{CAFile: path, CertFile: path, KeyFile: path}}, time.Unix(0, 0)) {
			if fault.Key == "" || fault.What == "" || strings.ContainsAny(fault.What, "\n\x1b") {
				t.Errorf("%+v", fault)
			}
		}
	})
}
