package probe

import (
	"reflect"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/redact"
)

// redactor replaces secrets in everything that leaves the probe. The nil
// redactor replaces nothing.
type redactor struct{ *redact.Redactor }

func newRedactor(secrets []string) *redactor {
	if r := redact.New(secrets); r != nil {
		return &redactor{r}
	}
	return nil
}

func (r *redactor) text(s string) string {
	if r == nil {
		return s
	}
	return r.Text(s)
}

// event replaces the secrets in every string of an event. Bodies are shared with
// whoever recorded them, so they are copied, not changed.
func (r *redactor) event(ev *history.Event) {
	if r == nil {
		return
	}
	v := reflect.ValueOf(ev).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() != reflect.Pointer || f.IsNil() || f.Elem().Kind() != reflect.Struct {
			continue
		}
		body := reflect.New(f.Elem().Type())
		body.Elem().Set(f.Elem())
		r.body(body.Elem())
		f.Set(body)
	}
}

func (r *redactor) body(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.String:
			f.SetString(r.text(f.String()))
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.String && !f.IsNil():
			list := reflect.MakeSlice(f.Type(), f.Len(), f.Len())
			for j := range f.Len() {
				list.Index(j).SetString(r.text(f.Index(j).String()))
			}
			f.Set(list)
		}
	}
}
