// Package testlist writes trust-service lists of the form that the Ministry of
// Digital Development publishes (TSLExt.1.0.xml), for tests: the elements of the
// real list, and content like the real one's.
package testlist

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/gosklyuch/gosklyuch/pki"
)

// List is a list to write.
type List struct {
	Version     int
	Date        time.Time
	Authorities []Authority
}

// Authority is one entry of it.
type Authority struct {
	Name, Short, INN, OGRN string
	History                []Status // the last one is the present status
	Transferred            string   // ОГРН, or ""
	Complexes              []Complex
}

// Status is one status with the text of its date.
type Status struct{ Text, Since string }

// Complex is one installation with the certificates of its keys.
type Complex struct {
	Alias, Class string
	Certificates []*pki.Certificate
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}

// XML writes the list without a signature.
func (l List) XML() []byte {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<АккредитованныеУдостоверяющиеЦентры xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">\n")
	fmt.Fprintf(&b, "  <Версия>%d</Версия>\n  <Дата>%s</Дата>\n", l.Version, l.Date.Format(time.RFC3339))
	for _, a := range l.Authorities {
		a.write(&b)
	}
	b.WriteString("</АккредитованныеУдостоверяющиеЦентры>\n")
	return []byte(b.String())
}

func (a Authority) write(b *strings.Builder) {
	b.WriteString("  <УдостоверяющийЦентр>\n")
	element := func(name, text string) { fmt.Fprintf(b, "    <%s>%s</%s>\n", name, escape(text), name) }
	element("Название", a.Name)
	element("ЭлектроннаяПочта", "uc@example.ru")
	element("КраткоеНазвание", a.Short)
	element("АдресСИнформациейПоУЦ", "http://uc.example.ru/")
	b.WriteString("    <Адрес><Страна>RU</Страна><Индекс>125375</Индекс><УлицаДом>ул. Тверская, д. 7</УлицаДом><Город>Москва</Город><Регион><Код>77</Код><Название>г. Москва</Название></Регион></Адрес>\n")
	b.WriteString("    <ПрограммноАппаратныеКомплексы>\n")
	for _, c := range a.Complexes {
		c.write(b)
	}
	b.WriteString("    </ПрограммноАппаратныеКомплексы>\n")
	element("ИНН", a.INN)
	element("ОГРН", a.OGRN)
	element("РеестровыйНомер", "1")
	if n := len(a.History); n > 0 {
		b.WriteString("    " + a.History[n-1].xml() + "\n    <ИсторияСтатусовАккредитации>\n")
		for _, s := range a.History {
			b.WriteString("      " + s.xml() + "\n")
		}
		b.WriteString("    </ИсторияСтатусовАккредитации>\n")
	}
	if a.Transferred != "" {
		element("ПолномочияПереданыУЦсОГРН", a.Transferred)
	}
	b.WriteString("  </УдостоверяющийЦентр>\n")
}

func (s Status) xml() string {
	return "<СтатусАккредитации><Статус>" + escape(s.Text) + "</Статус><ДействуетС>" + escape(s.Since) + "</ДействуетС></СтатусАккредитации>"
}

func (c Complex) write(b *strings.Builder) {
	fmt.Fprintf(b, "      <ПрограммноАппаратныйКомплекс>\n        <Псевдоним>%s</Псевдоним><КлассСредствЭП>%s</КлассСредствЭП>\n", escape(c.Alias), escape(c.Class))
	b.WriteString("        <Адрес><Страна>RU</Страна><Город>Москва</Город></Адрес><СредстваУЦ>Средство УЦ</СредстваУЦ>\n        <КлючиУполномоченныхЛиц>\n")
	for _, x := range c.Certificates {
		sha1, _, _ := x.Thumbprints()
		fmt.Fprintf(b, "          <Ключ><ИдентификаторКлюча>%X</ИдентификаторКлюча><АдресаСписковОтзыва><Адрес>http://uc.example.ru/a.crl</Адрес></АдресаСписковОтзыва><Сертификаты><ДанныеСертификата>", x.SubjectKeyID)
		fmt.Fprintf(b, "<Отпечаток>%s</Отпечаток><КемВыдан>%s</КемВыдан><КомуВыдан>%s</КомуВыдан><СерийныйНомер>%s</СерийныйНомер>",
			strings.ToUpper(hex.EncodeToString(sha1)), escape(x.Issuer.String()), escape(x.Subject.String()), x.SerialHex())
		fmt.Fprintf(b, "<ПериодДействияС>%s</ПериодДействияС><ПериодДействияДо>%s</ПериодДействияДо><Данные>%s</Данные>",
			x.NotBefore.Format(time.RFC3339), x.NotAfter.Format(time.RFC3339), base64.StdEncoding.EncodeToString(x.Raw))
		b.WriteString("</ДанныеСертификата></Сертификаты></Ключ>\n")
	}
	b.WriteString("        </КлючиУполномоченныхЛиц>\n      </ПрограммноАппаратныйКомплекс>\n")
}
