package exchange

import (
	"errors"
	"testing"

	"offhook/sip/dialog"
	"offhook/sip/transaction"
)

func TestAColleagueWritesToAnExtension(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a := newClient(w, "2101", "udp")
	got := make(chan *transaction.Request, 8)
	a.request = func(req *transaction.Request) {
		if req.Method == "MESSAGE" {
			got <- req
		}
	}
	var nobody *NotRegisteredError
	if err := w.Message("2104", "", "2101", "hello"); !errors.As(err, &nobody) {
		t.Errorf("nobody is registered, and: %v", err)
	}
	a.register()
	if err := w.Message("2104", "Priya", "2101", "Grüße"); err != nil {
		t.Fatal(err)
	}
	if req := <-got; string(req.Body) != "Grüße" || req.From.URI.User != "2104" || req.From.Display != "Priya" {
		t.Errorf("%+v", req)
	}
}

func TestACallCarriesTheHeadersOfADiallerAndNoOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a := newClient(w, "2101", "udp")
	a.register()
	w.place(Call{From: "07814256404", To: "2101", Headers: transaction.Headers{{Name: "X-Campaign", Value: "Renewals"}}})
	if s := <-a.calls; s.Request().Headers.Get("X-Campaign") != "Renewals" {
		t.Errorf("%+v", s.Request().Headers)
	}
	for _, h := range []transaction.Header{{Name: "Via", Value: "x"}, {Name: "X-A", Value: "b\r\nVia: x"}, {Name: "X-A\r\nVia", Value: "x"}, {Name: "", Value: "x"}} {
		if err := w.Place(Call{From: "07814256404", To: "2101", Headers: transaction.Headers{h}}); !errors.Is(err, ErrBadHeader) {
			t.Errorf("%q: %v", h, err)
		}
	}
}

func TestANumberThatHasMovedSaysWhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a := newClient(w, "2101", "udp")
	a.register()
	a.invites(Moved)
	for e := range a.events {
		if end, ok := e.(dialog.Ended); ok {
			if end.Code != 302 || len(end.Targets) != 1 || end.Targets[0].URI.User != Colleague {
				t.Errorf("%+v", end)
			}
			return
		}
	}
}

func TestTheLampsOfPeopleShowWhoIsOnTheTelephone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{Still: true})
	a := newClient(w, "2101", "udp")
	a.register()
	lamp := func(said chan dialog.SubscriptionEvent, want dialog.Lamp) {
		t.Helper()
		says(t, said, func(d dialog.DialogsChanged) bool { got, _ := dialog.LampOf(d.Dialogs); return got == want })
	}
	lamp(a.watches("dialog", Busy), dialog.LampBusy)
	said := a.watches("dialog", Colleague)
	lamp(said, dialog.LampIdle)
	call := a.invites(Colleague)
	lamp(said, dialog.LampRinging)
	w.AnswerCall("2101")
	lamp(said, dialog.LampBusy)
	call.End("")
	lamp(said, dialog.LampIdle)
}
