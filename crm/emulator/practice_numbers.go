package emulator

import (
	"fmt"
	"math/rand/v2"
)

// numbers deals out telephone numbers, each once, from ranges that the regulators keep free for drama, in the many
// ways people type them: the way it is stored is half of what a lookup has to cope with.
type numbers struct {
	rng  *rand.Rand
	used map[string]bool // E.164
}

// place is where a customer lives: which numbers, which towns.
type place struct {
	country string
	towns   []string
	post    []string
	fixed   func(*numbers) string
	mobile  func(*numbers) string
}

func places() []place {
	return []place{
		{"United Kingdom", []string{"London", "Leeds", "Bristol", "Glasgow", "Manchester", "Cardiff"}, []string{"EC1A 1BB", "LS1 4AP", "BS1 5TY", "G1 3SL", "M1 1AE", "CF10 1EP"},
			(*numbers).ukFixed, (*numbers).ukMobile},
		{"United States", []string{"San Francisco", "Austin", "Chicago", "Boston", "Denver"}, []string{"94105", "78701", "60601", "02108", "80202"}, (*numbers).us, (*numbers).us},
		{"Germany", []string{"Berlin", "Hamburg", "München", "Köln", "Frankfurt am Main"}, []string{"10115", "20095", "80331", "50667", "60311"}, (*numbers).deFixed, (*numbers).deMobile},
		{"France", []string{"Paris", "Lyon", "Nantes"}, []string{"75011", "69002", "44000"}, (*numbers).frFixed, (*numbers).frMobile},
		{"Australia", []string{"Sydney", "Melbourne", "Perth"}, []string{"2000", "3000", "6000"}, (*numbers).auFixed, (*numbers).auMobile},
	}
}

// fresh draws until the number is new. The ranges are wide enough for the data set; a test counts them.
func (n *numbers) fresh(draw func() string) string {
	for {
		if e := draw(); !n.used[e] {
			n.used[e] = true
			return e
		}
	}
}

func (n *numbers) pick(forms ...string) string { return forms[n.rng.IntN(len(forms))] }

func (n *numbers) ukMobile() string {
	e := n.fresh(func() string { return fmt.Sprintf("+447700900%03d", n.rng.IntN(1000)) })
	a, b := e[3:7], e[7:] // 7700, 900123
	return n.pick("0"+a+" "+b, "0"+a+b, "+44 "+a+" "+b, e, "+44 (0)"+a+" "+b, "0044 "+a+" "+b, "0"+a+"-"+b[:3]+"-"+b[3:], "(0"+a+") "+b,
		a+b, "44"+a+b, "0"+a+"\u00a0"+b, "0"+a+"."+b[:3]+"."+b[3:], "0"+a+" "+b[:3]+" "+b[3:], "0"+a+" "+b+" (mob)")
}

func (n *numbers) ukFixed() string {
	cities := []string{"113", "114", "115", "116", "117", "118", "121", "131", "141", "151", "161", "191"}
	if n.rng.IntN(3) == 0 {
		e := n.fresh(func() string { return fmt.Sprintf("+442079460%03d", n.rng.IntN(1000)) })
		b := e[9:] // 0NNN
		return n.pick("020 7946 "+b, "(020) 7946 "+b, "+44 20 7946 "+b, "0207 946 "+b, "+44 (0) 20 7946 "+b, "020 7946 "+b+" x22", e, "0207946"+b)
	}
	e := n.fresh(func() string { return fmt.Sprintf("+44%s4960%03d", cities[n.rng.IntN(len(cities))], n.rng.IntN(1000)) })
	c, b := e[3:6], e[9:] // 161, 0NNN
	return n.pick("0"+c+" 496 "+b, "(0"+c+") 496 "+b, "+44 "+c+" 496 "+b, "0"+c+"496"+b, "0"+c+"-496-"+b, "+44 (0)"+c+" 496 "+b, "0"+c+" 496 "+b+" ext. 7", e)
}

func (n *numbers) us() string {
	areas := []string{"415", "512", "312", "617", "303", "206", "212", "305", "602", "702"}
	e := n.fresh(func() string { return fmt.Sprintf("+1%s55501%02d", areas[n.rng.IntN(len(areas))], n.rng.IntN(100)) })
	a, b, c := e[2:5], e[5:8], e[8:]
	return n.pick("("+a+") "+b+"-"+c, a+"-"+b+"-"+c, "+1 "+a+" "+b+" "+c, a+"."+b+"."+c, e, "1-"+a+"-"+b+"-"+c, "("+a+") "+b+"-"+c+" x22", a+b+c, "1 ("+a+") "+b+"-"+c)
}

func (n *numbers) deFixed() string {
	area := []string{"3023125", "4066969", "6990009", "8999998"}
	e := n.fresh(func() string { return fmt.Sprintf("+49%s%03d", area[n.rng.IntN(len(area))], n.rng.IntN(1000)) })
	a, b := e[3:5], e[5:]
	return n.pick("0"+a+" "+b, "0"+a+"/"+b, "+49 "+a+" "+b, "+49 (0)"+a+" "+b, "(0"+a+") "+b, e, "0049 "+a+" "+b, "0"+a+"-"+b[:5]+"-"+b[5:])
}

func (n *numbers) deMobile() string {
	e := n.fresh(func() string { return fmt.Sprintf("+4917139200%02d", n.rng.IntN(100)) })
	a, b := e[3:6], e[6:]
	return n.pick("0"+a+" "+b, "0"+a+"/"+b, "+49 "+a+" "+b, e, "0"+a+b)
}

func (n *numbers) frFixed() string {
	e := n.fresh(func() string { return fmt.Sprintf("+3319900%04d", n.rng.IntN(10000)) })
	return n.french(e)
}

func (n *numbers) frMobile() string {
	e := n.fresh(func() string { return fmt.Sprintf("+3363998%04d", n.rng.IntN(10000)) })
	return n.french(e)
}

func (n *numbers) french(e string) string {
	d := "0" + e[3:]
	return n.pick(d[:2]+" "+d[2:4]+" "+d[4:6]+" "+d[6:8]+" "+d[8:], d, d[:2]+"."+d[2:4]+"."+d[4:6]+"."+d[6:8]+"."+d[8:],
		"+33 "+d[1:2]+" "+d[2:4]+" "+d[4:6]+" "+d[6:8]+" "+d[8:], "+33 (0)"+d[1:2]+" "+d[2:6]+" "+d[6:])
}

func (n *numbers) auFixed() string {
	e := n.fresh(func() string { return fmt.Sprintf("+61270100%03d", n.rng.IntN(1000)) })
	b := e[4:]
	return n.pick("02 "+b[:4]+" "+b[4:], "(02) "+b[:4]+" "+b[4:], "+61 2 "+b[:4]+" "+b[4:], e)
}

func (n *numbers) auMobile() string {
	e := n.fresh(func() string { return fmt.Sprintf("+6149157%04d", n.rng.IntN(10000)) })
	a, b := "0"+e[3:6], e[6:]
	return n.pick(a+" "+b[:3]+" "+b[3:], a+b, "+61 "+a[1:]+" "+b[:3]+" "+b[3:], e)
}
