package emulator

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// people is a CSV file of n contacts, each with two numbers of its own, written in five ways.
type people struct {
	n, at int
	rest  []byte
}

func (p *people) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.at > p.n {
			return 0, io.EOF
		}
		if p.at == 0 {
			p.rest = []byte("FirstName,LastName,Phone,MobilePhone,Email,MailingCity,Title\n")
		} else {
			p.rest = p.row(p.at - 1)
		}
		p.at++
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *people) row(i int) []byte {
	syllables := []string{"ba", "den", "kor", "li", "mon", "ter", "sa", "vel", "ru", "gar", "ho", "win", "tes", "mar", "ko", "pe"}
	name := syllables[i%16] + syllables[i/16%16] + syllables[i/256%16]
	d := fmt.Sprintf("%07d", i)
	phone := []string{"+44 7" + d[:3] + " " + d[3:] + "42", "(0" + d[:3] + ") " + d[3:5] + "-" + d[5:] + "17", "0049 30 " + d[:4] + " " + d[4:],
		"1-212-" + d[:3] + "-" + d[3:], "0" + d + "99"}[i%5]
	return fmt.Appendf(nil, "%s,%s,%s,+33%s,%s.%d@example%d.com,London,Manager\n", strings.ToUpper(name[:1])+syllables[i%7], strings.ToUpper(name[:1])+name[1:],
		phone, mobile(i), name, i, i%1000)
}

func mobile(i int) string { return fmt.Sprintf("6%08d", i*7%100_000_000) }

// benchRows is how many people the benchmarks load: OFFHOOK_EMULATOR_ROWS=1000000 is what docs/emulator.md speaks of.
func benchRows(b *testing.B) int {
	n, err := strconv.Atoi(os.Getenv("OFFHOOK_EMULATOR_ROWS"))
	if err != nil || n < 1 {
		n = 20_000
	}
	b.ReportMetric(float64(n), "rows")
	return n
}

func BenchmarkLoadIntoAFile(b *testing.B) {
	n := benchRows(b)
	for b.Loop() {
		s, err := New(Options{Data: &Data{}, File: filepath.Join(b.TempDir(), "org.db")})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Load(b.Context(), "Contact.csv", &people{n: n}, nil); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPhoneLookUpInAFile(b *testing.B) {
	n := benchRows(b)
	s, err := New(Options{Data: &Data{}, File: filepath.Join(b.TempDir(), "org.db")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Load(b.Context(), "Contact.csv", &people{n: n}, nil); err != nil {
		b.Fatal(err)
	}
	ask := func(path, q string) map[string]any {
		c := &call{version: "66.0", method: "GET", path: []string{path}, query: url.Values{"q": {q}}}
		serve := s.search
		if path == "query" {
			serve = s.query
		}
		rep, err := serve(c, nil)
		if err != nil {
			b.Fatal(err)
		}
		return rep.body.(map[string]any)
	}
	b.Run("SOSL", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			m := mobile(i * 7919 % n)
			got := ask("search", fmt.Sprintf("FIND {%s OR 33%s OR 0%s OR 0033%s} IN PHONE FIELDS RETURNING Contact(Id,Name,Phone,MobilePhone,Account.Name LIMIT 6), "+
				"Lead(Id,Name,Company,Phone,MobilePhone,Status WHERE IsConverted=false LIMIT 6), Account(Id,Name,Phone LIMIT 6)", m, m, m, m))
			if len(got["searchRecords"].([]any)) != 1 {
				b.Fatalf("%s: %v", m, got)
			}
		}
	})
	b.Run("SOQL", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			m := mobile(i * 7919 % n)
			got := ask("query", fmt.Sprintf("SELECT Id, Name FROM Contact WHERE Phone IN ('+33%s','0%s') OR MobilePhone IN ('+33%s','0%s') LIMIT 6", m, m, m, m))
			if got["totalSize"] != 1 {
				b.Fatalf("%s: %v", m, got)
			}
		}
	})
}
