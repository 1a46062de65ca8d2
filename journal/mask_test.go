package journal

import (
	"slices"
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"CN=Иванов Иван Иванович,SN=Иванов,G=Иван Иванович,SNILS=11223344595,INN=500100732259,C=RU": "CN=И*** И*** И***,SN=И***,G=И*** И***,SNILS=***,INN=***,C=RU",
		`CN=Фирма\, Иванов,O=ООО Ромашка,INNLE=7707083893,L=Москва`:                                 "CN=Ф*** И***,O=ООО Ромашка,INNLE=7707083893,L=Москва",
		"E=ivanov@example.ru+CN=Иванов,O=ООО":                                                       "E=i***@example.ru+CN=И***,O=ООО",
		"write to ivan.petrov@example.ru, please":                                                   "write to i***@example.ru, please",
		"СНИЛС 112-233-445 95.":                                                                     "СНИЛС ***.",
		"инн 500100732259 и снилс 11223344595":                                                      "инн *** и снилс ***",
		"01d5cf3f6f7b3a2e9c8b7a6d5e4f3c2b1a0f9e8d":                                                  "01d5cf3f6f7b3a2e9c8b7a6d5e4f3c2b1a0f9e8d",
		"":                          "",
		"1234567890":                "1234567890",
		"2026-06-02T12:00:00Z":      "2026-06-02T12:00:00Z",
		"citizen@1, root@localhost": "citizen@1, root@localhost",
		"договор.pdf":               "договор.pdf",
		// In running text.
		"заявление Иванова Ивана Ивановича, вх. 12":               "заявление И*** И*** И***, вх. 12",
		"Петрова-Водкина Анна Кузьминична и Сидоров И. И. просят": "П*** А*** К*** и С*** И*** И*** просят",
		"И.И. Сидоров,С.С.Петров":                                 "И*** И*** С***,С*** С*** П***",
		"ИВАНОВ ИЛЬЯ ИЛЬИЧ":                                       "И*** И*** И***",
		"Ivanov Ivan Ivanovich, by hand":                          "I*** I*** I***, by hand",
		"/srv/Иванов_Иван_Иванович.pdf":                           "/srv/И*** И*** И***.pdf",
		"the certificate of CN=Иванов Иван, C=RU is revoked":      "the certificate of CN=И*** И***, C=RU is revoked",
		"тел. +7 (495) 123-45-67":                                 "тел. ***",
		"8 495 123 45 67; +79161234567":                           "***; ***",
		"паспорт 4509 123456":                                     "паспорт ***",
		"СНИЛС 112 233 445 95":                                    "СНИЛС ***",
		"2026-06-02 12:00:00 and 1234567890":                      "2026-06-02 12:00:00 and 1234567890",
		"application 12 of 2026-06-02":                            "application 12 of 2026-06-02",
		"Удостоверяющий Центр Ромашка":                            "Удостоверяющий Центр Ромашка",
		"см. п. 4.1.2 и Приложение А. Б. нет":                     "см. п. 4.1.2 и П*** А*** Б*** нет", // better too much
		"CN=":   "CN=",
		"CN=\\": "CN=***",
	} {
		if got := maskText(in); got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
	for _, secret := range []string{"11223344595", "112-233-445", "ivan@", "500100732259", "Иванов"} {
		for _, in := range []string{
			"СНИЛС=112-233-445 95,OU=ivan@example.ru", "1.2.643.100.3=11223344595", "ИНН=500100732259", "CN=Иванов+SN=Иванов",
		} {
			if got := maskText(in); strings.Contains(got, secret) {
				t.Errorf("%s: %s", in, got)
			}
		}
	}
}

func TestMasked(t *testing.T) {
	r, err := Head{Node: DefaultNode}.Next(Entry{
		Time: day, Actor: "uid:1000", Event: "issue", Subject: "4f3c2b",
		Data: map[string]string{"name": "CN=Иванов,C=RU", "phone": "+7 999 123", "profile": "citizen", "email": ""},
	})
	if err != nil {
		t.Fatal(err)
	}
	e, fields := r.Masked()
	if !slices.Equal(fields, []string{"data.name", "data.phone"}) || e.Subject != "4f3c2b" || e.Data["name"] != "CN=И***,C=RU" ||
		e.Data["phone"] != "*** *** ***" || e.Data["profile"] != "citizen" || e.Actor != "uid:1000" {
		t.Errorf("%+v %v", e, fields)
	}
	if r.Data["name"] != "CN=Иванов,C=RU" {
		t.Error("the record was changed")
	}
}
