/* Code lists of the way: how, where and under which procedure goods move. UN/ECE Recommendation 19 digits for the mode. */
#include "proto/record/codes.h"

static const struct code MODE[] = {
    {"1", {"sea", "mer", "mar"}, "maritime|marítimo|ship|bateau|by sea|sea freight"},
    {"2", {"rail", "rail", "ferrovia"}, "train|chemin de fer|ferroviário|railway"},
    {"3", {"road", "route", "estrada"}, "lorry|truck|rodoviário|routier|by road"},
    {"4", {"air", "air", "ar"}, "aérien|aéreo|plane|avion|by air|air freight|airfreight"},
    {"5", {"post", "poste", "correio"}, "mail|courier|postal|express"},
    {"6", {"multimodal", "multimodal", "multimodal"}, NULL},
    {"7", {"fixed installation", "installation fixe", "instalação fixa"}, "pipeline|oléoduc"},
    {"8", {"inland waterway", "navigation intérieure", "via navegável interior"}, "river|fleuve|rio|inland water"},
    {"9", {"other", "autre", "outro"}, "on foot|à pied|a pé"},
};
const struct code_list CODES_MODE = {"mode", MODE, CODE_COUNT(MODE), NULL};

static const struct code CONVEYANCE[] = {
    {"VESSEL", {"vessel", "navire", "navio"}, "ship|cargo ship"},
    {"SMALL_CRAFT", {"small craft", "petite embarcation", "pequena embarcação"}, "pirogue|canoe|fishing boat|yacht|piroga|boat"},
    {"AIRCRAFT", {"aircraft", "aéronef", "aeronave"}, "plane|aeroplane|avion|avião"},
    {"CAR", {"car", "voiture", "automóvel"}, "passenger car|private car|véhicule léger|carro"},
    {"LORRY", {"lorry", "camion", "camião"}, "truck|heavy goods vehicle|semi-trailer|poids lourd"},
    {"BUS", {"bus", "autocar", "autocarro"}, "coach|minibus"},
    {"MOTORCYCLE", {"motorcycle", "motocyclette", "motociclo"}, "motorbike|moto|tricycle"},
    {"BICYCLE", {"bicycle", "bicyclette", "bicicleta"}, "vélo"},
    {"ANIMAL", {"animal", "animal", "animal"}, "donkey|camel|cart"},
    {"ON_FOOT", {"on foot", "à pied", "a pé"}, "pedestrian|porter"},
    {"TRAIN", {"train", "train", "comboio"}, "rail wagon|wagon"},
    {"POST", {"post", "envoi postal", "correio"}, "mail"},
    {"EXPRESS", {"express courier", "courrier express", "correio expresso"}, "courier|express"},
    {"NONE", {"none", "aucun", "nenhum"}, "premises"},
    {"OTHER", {"other", "autre", "outro"}, NULL},
    {"UNKNOWN", {"unknown", "inconnu", "desconhecido"}, NULL},
};
const struct code_list CODES_CONVEYANCE = {"conveyance", CONVEYANCE, CODE_COUNT(CONVEYANCE), NULL};

static const struct code CARRIAGE[] = {
    {"FREIGHT", {"freight", "fret", "carga"}, "cargo|air freight|airfreight|sea freight|consignment"},
    {"LUGGAGE", {"luggage", "bagages", "bagagem"}, "baggage|suitcase|checked luggage|hand luggage|bagage|accompanied luggage"},
    {"UNACCOMPANIED_LUGGAGE", {"unaccompanied luggage", "bagages non accompagnés", "bagagem não acompanhada"}, "unaccompanied baggage"},
    {"PERSON", {"on or in the person", "sur ou dans la personne", "na pessoa"}, "clothing|passenger clothing|belongings|person|on person"},
    {"MAIL", {"mail", "courrier", "correio"}, "post|postal parcel|parcel|colis"},
    {"EXPRESS", {"express consignment", "envoi express", "remessa expressa"}, "courier|express"},
    {"LOAD", {"load of a vehicle", "chargement de véhicule", "carga de veículo"}, "vehicle load|vehicle"},
    {"CONTAINER", {"container", "conteneur", "contentor"}, NULL},
    {"STORES", {"stores of a vessel or aircraft", "provisions de bord", "provisões de bordo"}, "stores|ship stores"},
    {"OTHER", {"other", "autre", "outro"}, NULL},
    {"UNKNOWN", {"unknown", "inconnu", "desconhecido"}, "not stated"},
};
const struct code_list CODES_CARRIAGE = {"carriage", CARRIAGE, CODE_COUNT(CARRIAGE), NULL};

static const struct code DIRECTION[] = {
    {"IMPORT", {"import", "importation", "importação"}, "inbound|entry|entrée|entrada"},
    {"EXPORT", {"export", "exportation", "exportação"}, "outbound|exit|sortie|saída"},
    {"TRANSIT", {"transit", "transit", "trânsito"}, NULL},
    {"TRANSHIP", {"transhipment", "transbordement", "transbordo"}, "transshipment"},
    {"INTERNAL", {"inland", "intérieur", "interior"}, "internal|domestic"},
    {"AT_SEA", {"at sea", "en mer", "no mar"}, NULL},
    {"UNKNOWN", {"unknown", "inconnue", "desconhecida"}, NULL},
};
const struct code_list CODES_DIRECTION = {"direction", DIRECTION, CODE_COUNT(DIRECTION), NULL};

static const struct code PROCEDURE[] = {
    {"HOME_USE", {"clearance for home use", "mise à la consommation", "introdução no consumo"}, "home use|release for consumption"},
    {"WAREHOUSING", {"customs warehousing", "entrepôt de douane", "entreposto aduaneiro"}, "bonded warehouse|warehouse"},
    {"TEMPORARY_ADMISSION", {"temporary admission", "admission temporaire", "admissão temporária"}, NULL},
    {"INWARD_PROCESSING", {"inward processing", "perfectionnement actif", "aperfeiçoamento ativo"}, NULL},
    {"OUTWARD_PROCESSING", {"outward processing", "perfectionnement passif", "aperfeiçoamento passivo"}, NULL},
    {"FREE_ZONE", {"free zone", "zone franche", "zona franca"}, NULL},
    {"TRANSIT", {"customs transit", "transit douanier", "trânsito aduaneiro"}, "t1"},
    {"EXPORT", {"outright exportation", "exportation définitive", "exportação definitiva"}, NULL},
    {"REEXPORT", {"re-export", "réexportation", "reexportação"}, NULL},
    {"TRAVELLER", {"traveller", "voyageur", "viajante"}, "passenger|passager|green channel|red channel"},
    {"POSTAL", {"postal traffic", "trafic postal", "tráfego postal"}, "post|mail"},
    {"EXPRESS", {"express consignment", "envoi express", "remessa expressa"}, "courier"},
    {"STORES", {"stores", "produits d'avitaillement", "provisões"}, NULL},
    {"NONE", {"not presented to customs", "non présenté en douane", "não apresentado à alfândega"}, "not presented|none|aucun|nenhum"},
    {"UNKNOWN", {"unknown", "inconnu", "desconhecido"}, NULL},
};
const struct code_list CODES_PROCEDURE = {"procedure", PROCEDURE, CODE_COUNT(PROCEDURE), NULL};

static const struct code PLACE_TYPE[] = {
    {"SEAPORT", {"seaport", "port maritime", "porto marítimo"}, "port|porto|harbour"},
    {"AIRPORT", {"airport", "aéroport", "aeroporto"}, NULL},
    {"RIVER_PORT", {"river port", "port fluvial", "porto fluvial"}, NULL},
    {"LAND_POST", {"land border post", "poste frontière terrestre", "posto fronteiriço terrestre"}, "land post|border post|poste frontière"},
    {"LAND_BORDER", {"land border", "frontière terrestre", "fronteira terrestre"}, "border|frontière|fronteira"},
    {"JOINT_POST", {"joint border post", "poste de contrôle juxtaposé", "posto conjunto"}, "joint post|pcj|juxtaposed post"},
    {"UNAPPROVED_CROSSING", {"unapproved crossing", "passage non autorisé", "passagem não autorizada"}, "unapproved route|piste|bush path"},
    {"ROAD_CHECK", {"road check", "contrôle routier", "controlo rodoviário"}, "checkpoint|roadblock|barrage"},
    {"WAREHOUSE", {"warehouse or premises", "entrepôt ou local", "armazém ou instalações"}, "warehouse|entrepôt|armazém|premises|shop"},
    {"FREE_ZONE", {"free zone", "zone franche", "zona franca"}, NULL},
    {"MARKET", {"market", "marché", "mercado"}, NULL},
    {"MAIL_CENTRE", {"mail centre", "centre de tri postal", "centro de correio"}, "post office|mail center|bureau de poste"},
    {"RAIL", {"railway", "chemin de fer", "ferrovia"}, "railway station|gare|station"},
    {"TERRITORIAL_SEA", {"territorial sea", "mer territoriale", "mar territorial"}, NULL},
    {"HIGH_SEAS", {"high seas", "haute mer", "alto mar"}, NULL},
    {"INLAND", {"inland", "intérieur du pays", "interior do país"}, NULL},
    {"OTHER", {"other", "autre", "outro"}, NULL},
    {"UNKNOWN", {"unknown", "inconnu", "desconhecido"}, NULL},
};
const struct code_list CODES_PLACE_TYPE = {"place_type", PLACE_TYPE, CODE_COUNT(PLACE_TYPE), NULL};
