/* Code lists of handling: who may use it how, how sure it is, what is asked, how far an operation is. 4x4 grading as in Europol's handling codes; TLP 2.0. */
#include "proto/record/codes.h"

static const struct code LANGUAGE[] = {
    {"EN", {"English", "anglais", "inglês"}, "eng"},         {"FR", {"French", "français", "francês"}, "fra|fre"},
    {"PT", {"Portuguese", "portugais", "português"}, "por"}, {"ES", {"Spanish", "espagnol", "espanhol"}, "spa|español"},
    {"AR", {"Arabic", "arabe", "árabe"}, "ara|العربية"},
};
const struct code_list CODES_LANGUAGE = {"language", LANGUAGE, CODE_COUNT(LANGUAGE), NULL};

static const struct code GRADING[] = {
    {"A1", {"reliable source; not in doubt", "source fiable ; ne fait pas de doute", "fonte fiável; sem dúvida"}, NULL},
    {"A2", {"reliable source; known to it personally", "source fiable ; connu d'elle personnellement", "fonte fiável; conhecido pessoalmente"}, NULL},
    {"A3", {"reliable source; corroborated", "source fiable ; corroboré", "fonte fiável; corroborado"}, NULL},
    {"A4", {"reliable source; cannot be corroborated", "source fiable ; non corroboré", "fonte fiável; não corroborado"}, NULL},
    {"B1", {"mostly reliable source; not in doubt", "source souvent fiable ; ne fait pas de doute", "fonte geralmente fiável; sem dúvida"}, NULL},
    {"B2",
     {"mostly reliable source; known to it personally", "source souvent fiable ; connu d'elle personnellement",
      "fonte geralmente fiável; conhecido pessoalmente"},
     NULL},
    {"B3", {"mostly reliable source; corroborated", "source souvent fiable ; corroboré", "fonte geralmente fiável; corroborado"}, NULL},
    {"B4",
     {"mostly reliable source; cannot be corroborated", "source souvent fiable ; non corroboré", "fonte geralmente fiável; não corroborado"},
     NULL},
    {"C1", {"mostly unreliable source; not in doubt", "source peu fiable ; ne fait pas de doute", "fonte pouco fiável; sem dúvida"}, NULL},
    {"C2",
     {"mostly unreliable source; known to it personally", "source peu fiable ; connu d'elle personnellement",
      "fonte pouco fiável; conhecido pessoalmente"},
     NULL},
    {"C3", {"mostly unreliable source; corroborated", "source peu fiable ; corroboré", "fonte pouco fiável; corroborado"}, NULL},
    {"C4", {"mostly unreliable source; cannot be corroborated", "source peu fiable ; non corroboré", "fonte pouco fiável; não corroborado"}, NULL},
    {"X1", {"source not assessed; not in doubt", "source non évaluée ; ne fait pas de doute", "fonte não avaliada; sem dúvida"}, NULL},
    {"X2",
     {"source not assessed; known to it personally", "source non évaluée ; connu d'elle personnellement",
      "fonte não avaliada; conhecido pessoalmente"},
     NULL},
    {"X3", {"source not assessed; corroborated", "source non évaluée ; corroboré", "fonte não avaliada; corroborado"}, NULL},
    {"X4", {"source not assessed; cannot be corroborated", "source non évaluée ; non corroboré", "fonte não avaliada; não corroborado"}, NULL},
};
const struct code_list CODES_GRADING = {"grading", GRADING, CODE_COUNT(GRADING), NULL};

static const struct code TLP[] = {
    {"RED", {"named recipients only", "destinataires nommés seulement", "só destinatários nomeados"}, "tlp:red"},
    {"AMBER+STRICT", {"own organisation only", "propre organisation seulement", "só a própria organização"}, "tlp:amber+strict"},
    {"AMBER", {"organisation and its clients", "organisation et ses partenaires", "organização e seus parceiros"}, "tlp:amber"},
    {"GREEN", {"community", "communauté", "comunidade"}, "tlp:green"},
    {"CLEAR", {"no limit", "sans limite", "sem limite"}, "tlp:clear|white|tlp:white"},
};
const struct code_list CODES_TLP = {"tlp", TLP, CODE_COUNT(TLP), NULL};

static const struct code HANDLING[] = {
    {"H0", {"to prevent and fight crime only", "pour prévenir et combattre la criminalité seulement", "só para prevenir e combater o crime"}, NULL},
    {"H1", {"not in court without permission", "pas en justice sans autorisation", "não em tribunal sem autorização"}, NULL},
    {"H2", {"not passed on without permission", "ne pas transmettre sans autorisation", "não transmitir sem autorização"}, NULL},
    {"H3", {"other limits, in words", "autres limites, en toutes lettres", "outros limites, por extenso"}, NULL},
};
const struct code_list CODES_HANDLING = {"handling", HANDLING, CODE_COUNT(HANDLING), NULL};

static const struct code STATUS[] = {
    {"DRAFT", {"draft", "brouillon", "rascunho"}, NULL},
    {"SUBMITTED", {"submitted", "soumis", "submetido"}, NULL},
    {"WITHDRAWN", {"withdrawn", "retiré", "retirado"}, NULL},
};
const struct code_list CODES_STATUS = {"status", STATUS, CODE_COUNT(STATUS), NULL};

static const struct code PRIORITY[] = {
    {"LOW", {"low", "basse", "baixa"}, NULL},
    {"NORMAL", {"normal", "normale", "normal"}, "medium|moyenne|routine"},
    {"HIGH", {"high", "haute", "alta"}, "urgent|élevée"},
    {"FLASH", {"flash", "flash", "relâmpago"}, "immediate|critical"},
};
const struct code_list CODES_PRIORITY = {"priority", PRIORITY, CODE_COUNT(PRIORITY), NULL};

static const struct code SUBJECT[] = {
    {"CONTAINER", {"container", "conteneur", "contentor"}, NULL},
    {"CONSIGNMENT", {"consignment", "envoi", "remessa"}, "shipment"},
    {"VEHICLE", {"vehicle", "véhicule", "veículo"}, "conveyance|lorry|car"},
    {"VESSEL", {"vessel", "navire", "navio"}, "ship"},
    {"AIRCRAFT", {"aircraft or flight", "aéronef ou vol", "aeronave ou voo"}, "aircraft|flight"},
    {"GOODS", {"goods", "marchandises", "mercadorias"}, "commodity"},
    {"ROUTE", {"route", "itinéraire", "rota"}, NULL},
    {"METHOD", {"way of operating", "mode opératoire", "modo de operação"}, "mo|modus operandi"},
    {"DOCUMENT", {"document", "document", "documento"}, NULL},
    {"OTHER", {"other", "autre", "outro"}, NULL},
};
const struct code_list CODES_SUBJECT = {"subject", SUBJECT, CODE_COUNT(SUBJECT), NULL};

static const struct code ACTION[] = {
    {"OBSERVE", {"observe and report", "observer et rendre compte", "observar e comunicar"}, "observe|report|sighting"},
    {"DISCREET_CHECK", {"discreet check", "contrôle discret", "controlo discreto"}, "discreet"},
    {"SPECIFIC_CHECK", {"specific check", "contrôle spécifique", "controlo específico"}, "check|inspect|control|contrôle"},
    {"DETAIN", {"detain the goods", "retenir les marchandises", "reter as mercadorias"}, "detain|hold|stop"},
    {"INFORM", {"for information", "pour information", "para informação"}, "inform|none"},
    {"ANALYSIS", {"operational analysis", "analyse opérationnelle", "análise operacional"}, "analyse|analyze"},
    {"CONTACT", {"contact the sender before acting", "contacter l'expéditeur avant d'agir", "contactar o remetente antes de agir"}, "contact"},
};
const struct code_list CODES_ACTION = {"action", ACTION, CODE_COUNT(ACTION), NULL};

static const struct code PHASE[] = {
    {"PREPARE", {"preparation and training", "préparation et formation", "preparação e formação"}, "planned|planning|preparation|training"},
    {"OPERATE", {"under way", "en cours", "em curso"}, "running|operating|operation"},
    {"EVALUATE", {"evaluation", "évaluation", "avaliação"}, "evaluating"},
    {"CLOSED", {"closed", "close", "encerrada"}, "ended|finished"},
};
const struct code_list CODES_PHASE = {"phase", PHASE, CODE_COUNT(PHASE), NULL};

static const struct code DECISION[] = {
    {"GRANTED", {"granted", "accordé", "concedido"}, "grant|yes|allowed"},
    {"REFUSED", {"refused", "refusé", "recusado"}, "refuse|no|denied"},
};
const struct code_list CODES_DECISION = {"decision", DECISION, CODE_COUNT(DECISION), NULL};
