package salesforce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// foreignReplies are what a guest network, a proxy or a broken gateway answers in Salesforce's place.
var foreignReplies = map[string]func(w http.ResponseWriter){
	"a page":  func(w http.ResponseWriter) { fmt.Fprint(w, "<html>Welcome to the hotel</html>") },
	"nothing": func(w http.ResponseWriter) {},
	"blanks":  func(w http.ResponseWriter) { fmt.Fprint(w, " \r\n") },
	"null":    func(w http.ResponseWriter) { fmt.Fprint(w, "null") },
	"wrong types": func(w http.ResponseWriter) {
		fmt.Fprint(w, `{"records":"x","searchRecords":7,"fields":3,"id":7,"success":"yes","compositeResponse":5}`)
	},
	"no content":   func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) },
	"another list": func(w http.ResponseWriter) { fmt.Fprint(w, `[1,2,3]`) },
	"a redirect": func(w http.ResponseWriter) {
		w.Header().Set("Location", "https://guest.hotel.example/sign-in")
		w.WriteHeader(http.StatusFound)
	},
}

func TestAnAnswerThatIsNotSalesforcesIsNeverTakenForOne(t *testing.T) {
	reads := map[string]func(context.Context, *Client) error{
		"query": func(ctx context.Context, c *Client) error {
			_, err := c.Query(ctx, Select("Id").From("Contact"))
			return err
		},
		"search": func(ctx context.Context, c *Client) error {
			_, err := c.Search(ctx, Find(Term{"fred"}).Returning("Contact", []Ident{"Id"}, Cond{}, 5))
			return err
		},
		"describe": func(ctx context.Context, c *Client) error { _, err := c.Describe(ctx, "Task"); return err },
		"composite": func(ctx context.Context, c *Client) error {
			_, err := c.Composite(ctx, false, SubQuery("a", Select("Id").From("Contact")))
			return err
		},
	}
	writes := map[string]func(context.Context, *Client) error{
		"create": func(ctx context.Context, c *Client) error {
			_, err := c.Create(ctx, "Task", map[string]any{"Subject": "x"}, nil)
			return err
		},
	}
	for name, reply := range foreignReplies {
		s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ string) { reply(w) })
		c := s.client(t, func(o *Options) { o.Tries = 1 })
		for what, ask := range reads {
			if err := ask(t.Context(), c); KindOf(err) != KindTransient {
				t.Errorf("%s: %s: %v", what, name, err)
			} else if line := Line(err); !strings.Contains(line, "something on the way answered in Salesforce's place") || !strings.Contains(line, "tried again by itself") {
				t.Errorf("%s: %s: %s", what, name, line)
			}
		}
		for what, ask := range writes {
			err := ask(t.Context(), c)
			if name == "a redirect" {
				if KindOf(err) != KindTransient { // nobody has carried it out
					t.Errorf("%s: %s: %v", what, name, err)
				}
				continue
			}
			if KindOf(err) != KindAmbiguous || !strings.Contains(Line(err), "the answer was not Salesforce's") {
				t.Errorf("%s: %s: %v", what, name, err)
			}
		}
	}
}

func TestAChangeIsDoneWhenSalesforceItselfSaysSo(t *testing.T) {
	for name, reply := range foreignReplies {
		if name == "wrong types" || name == "another list" || name == "no content" { // JSON is believed, and no content is what Salesforce says
			continue
		}
		s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ string) { reply(w) })
		c := s.client(t, func(o *Options) { o.Tries = 1 })
		if err := c.Update(t.Context(), "Task", "00T000000000001", map[string]any{"Subject": "x"}, time.Time{}); err == nil {
			t.Errorf("changed: %s", name)
		}
		if err := c.Delete(t.Context(), "Task", "00T000000000001"); err == nil {
			t.Errorf("deleted: %s", name)
		}
	}
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(http.StatusNoContent) })
	c := s.client(t, nil)
	if err := errors.Join(c.Update(t.Context(), "Task", "00T000000000001", nil, time.Time{}), c.Delete(t.Context(), "Task", "00T000000000001")); err != nil {
		t.Error(err)
	}
}
