/* Code lists of the goods: 16 headings, their commodities, and units (UN/ECE Recommendation 20 codes).
 * A heading's parent is its main unit, a commodity's its heading, a unit's its base unit. */
#include "proto/record/codes.h"

#define HEADINGS(X)                                                                                                                                  \
    X("DRG", "KGM", "drugs", "stupéfiants", "drogas", "drug|narcotics|drogues|estupefacientes")                                                      \
    X("PRE", "KGM", "precursors", "précurseurs", "precursores", "precursor|chemicals")                                                               \
    X("MED", "H87", "medicines and medical goods", "médicaments et produits médicaux", "medicamentos e produtos médicos",                            \
      "medicines|medicine|médicaments|medicamentos|pharmaceuticals")                                                                                 \
    X("TOB", "KGM", "tobacco", "tabac", "tabaco", "tobacco products")                                                                                \
    X("ALC", "LTR", "alcohol", "alcool", "álcool", "alcoholic drinks|boissons alcoolisées")                                                          \
    X("REV", "KGM", "revenue goods", "marchandises fiscales", "mercadorias tributáveis", "revenue|general goods")                                    \
    X("IPR", "H87", "counterfeit goods", "contrefaçons", "contrafações", "counterfeits|counterfeit|contrefaçon")                                     \
    X("CIT", "KGM", "wildlife and timber", "faune, flore et bois", "fauna, flora e madeira", "wildlife|cites|fauna|flora|faune|timber|bois")         \
    X("ENV", "KGM", "waste and hazardous goods", "déchets et produits dangereux", "resíduos e produtos perigosos", "waste|déchets|resíduos|ods")     \
    X("NUC", "KGM", "nuclear and radioactive material", "matières nucléaires et radioactives", "material nuclear e radioativo",                      \
      "nuclear|radioactive")                                                                                                                         \
    X("WEA", "H87", "weapons, ammunition, explosives", "armes, munitions, explosifs", "armas, munições, explosivos",                                 \
      "weapons|arms|firearms|armes|armas|ammunition|explosives")                                                                                     \
    X("STR", "H87", "strategic and dual-use goods", "biens stratégiques et à double usage", "bens estratégicos e de dupla utilização",               \
      "strategic|dual-use|dual use")                                                                                                                 \
    X("CUR", "H87", "currency, gold, gems", "devises, or, pierres précieuses", "moeda, ouro, pedras preciosas", "currency|cash|gold|devises")        \
    X("CUL", "H87", "cultural goods", "biens culturels", "bens culturais", "culture|antiquities|art")                                                \
    X("POR", "H87", "child abuse and obscene material", "matériel pédopornographique et obscène", "material de abuso infantil e obsceno", NULL)      \
    X("OTH", "H87", "other goods", "autres marchandises", "outras mercadorias", "other|autre|outro")

#define COMMODITIES(X)                                                                                                                               \
    X("CANNABIS_HERB", "DRG", "cannabis herb", "herbe de cannabis", "erva de canábis",                                                               \
      "marijuana|marihuana|cannabis|weed|chanvre indien|yamba|liamba")                                                                               \
    X("CANNABIS_RESIN", "DRG", "cannabis resin", "résine de cannabis", "resina de canábis", "hashish|haschich|haxixe|resin")                         \
    X("CANNABIS_OIL", "DRG", "cannabis oil", "huile de cannabis", "óleo de canábis", "hash oil")                                                     \
    X("COCAINE", "DRG", "cocaine", "cocaïne", "cocaína", "cocaine hydrochloride|coke|cocaine powder")                                                \
    X("CRACK", "DRG", "crack", "crack", "crack", "cocaine base|crack cocaine")                                                                       \
    X("COCA_LEAF", "DRG", "coca leaf", "feuille de coca", "folha de coca", NULL)                                                                     \
    X("HEROIN", "DRG", "heroin", "héroïne", "heroína", NULL)                                                                                         \
    X("OPIUM", "DRG", "opium", "opium", "ópio", NULL)                                                                                                \
    X("MORPHINE", "DRG", "morphine", "morphine", "morfina", NULL)                                                                                    \
    X("TRAMADOL", "DRG", "tramadol", "tramadol", "tramadol", "tramol|tramal")                                                                        \
    X("CODEINE", "DRG", "codeine", "codéine", "codeína", "codeine syrup")                                                                            \
    X("FENTANYL", "DRG", "fentanyl", "fentanyl", "fentanil", NULL)                                                                                   \
    X("TAPENTADOL", "DRG", "tapentadol", "tapentadol", "tapentadol", NULL)                                                                           \
    X("OPIOID_OTHER", "DRG", "other opioids", "autres opioïdes", "outros opioides", "nitazene|other opiates")                                        \
    X("AMPHETAMINE", "DRG", "amphetamine", "amphétamine", "anfetamina", "captagon")                                                                  \
    X("METHAMPHETAMINE", "DRG", "methamphetamine", "méthamphétamine", "metanfetamina", "crystal meth|meth|ice")                                      \
    X("MDMA", "DRG", "MDMA (ecstasy)", "MDMA (ecstasy)", "MDMA (ecstasy)", "ecstasy|extasy")                                                         \
    X("LSD", "DRG", "LSD", "LSD", "LSD", NULL)                                                                                                       \
    X("KETAMINE", "DRG", "ketamine", "kétamine", "cetamina", NULL)                                                                                   \
    X("KHAT", "DRG", "khat", "khat", "khat", "khat (catha edulis)|qat|miraa|catha edulis")                                                           \
    X("SYNTHETIC_CANNABINOID", "DRG", "synthetic cannabinoids", "cannabinoïdes de synthèse", "canabinoides sintéticos", "spice|kush")                \
    X("NPS", "DRG", "new psychoactive substances", "nouvelles substances psychoactives", "novas substâncias psicoativas", NULL)                      \
    X("BENZODIAZEPINE", "DRG", "benzodiazepines", "benzodiazépines", "benzodiazepinas", "diazepam|rivotril|clonazepam")                              \
    X("PREGABALIN", "DRG", "pregabalin", "prégabaline", "pregabalina", NULL)                                                                         \
    X("DRUG_OTHER", "DRG", "other drugs", "autres stupéfiants", "outras drogas", NULL)                                                               \
    X("EPHEDRINE", "PRE", "ephedrine", "éphédrine", "efedrina", NULL)                                                                                \
    X("PSEUDOEPHEDRINE", "PRE", "pseudoephedrine", "pseudoéphédrine", "pseudoefedrina", NULL)                                                        \
    X("ACETIC_ANHYDRIDE", "PRE", "acetic anhydride", "anhydride acétique", "anidrido acético", NULL)                                                 \
    X("POTASSIUM_PERMANGANATE", "PRE", "potassium permanganate", "permanganate de potassium", "permanganato de potássio", NULL)                      \
    X("PRECURSOR_OTHER", "PRE", "other precursors", "autres précurseurs", "outros precursores", NULL)                                                \
    X("MEDICINE_FALSIFIED", "MED", "falsified medicines", "médicaments falsifiés", "medicamentos falsificados", "fake medicines|faux médicaments")   \
    X("MEDICINE_DIVERTED", "MED", "diverted medicines", "médicaments détournés", "medicamentos desviados", NULL)                                     \
    X("MEDICINE_SUBSTANDARD", "MED", "sub-standard medicines", "médicaments de qualité inférieure", "medicamentos abaixo do padrão", NULL)           \
    X("MEDICINE_UNLICENSED", "MED", "unlicensed medicines", "médicaments sans autorisation", "medicamentos sem autorização", "illicit medicines")    \
    X("MEDICINE_VETERINARY", "MED", "veterinary medicines", "médicaments vétérinaires", "medicamentos veterinários", NULL)                           \
    X("MEDICAL_DEVICE", "MED", "medical devices", "dispositifs médicaux", "dispositivos médicos", "masks|test kits|syringes")                        \
    X("CIGARETTES", "TOB", "cigarettes", "cigarettes", "cigarros", "cigarette")                                                                      \
    X("CIGARS", "TOB", "cigars", "cigares", "charutos", NULL)                                                                                        \
    X("SHISHA", "TOB", "shisha tobacco", "tabac à chicha", "tabaco para chicha", "shisha|chicha|water-pipe tobacco")                                 \
    X("TOBACCO_CUT", "TOB", "cut tobacco", "tabac à rouler", "tabaco de enrolar", "hand-rolling tobacco|smoking tobacco")                            \
    X("TOBACCO_LEAF", "TOB", "leaf tobacco", "tabac en feuilles", "tabaco em folha", "raw tobacco")                                                  \
    X("TOBACCO_HEATED", "TOB", "heated tobacco", "tabac à chauffer", "tabaco aquecido", NULL)                                                        \
    X("E_LIQUID", "TOB", "e-liquid", "liquide pour cigarette électronique", "líquido para cigarro eletrónico", "vape|e-cigarettes")                  \
    X("BEER", "ALC", "beer", "bière", "cerveja", NULL)                                                                                               \
    X("WINE", "ALC", "wine", "vin", "vinho", NULL)                                                                                                   \
    X("SPIRITS", "ALC", "spirits", "spiritueux", "bebidas espirituosas", "whisky|gin|vodka|liquor|rum")                                              \
    X("ETHANOL", "ALC", "ethanol", "éthanol", "etanol", "pure alcohol")                                                                              \
    X("FUEL", "REV", "fuel", "carburant", "combustível", "petrol|diesel|gasoline|essence|gasoil|kpayo|gasolina")                                     \
    X("VEHICLES", "REV", "vehicles", "véhicules", "veículos", "cars|motorcycles|spare parts")                                                        \
    X("RICE", "REV", "rice", "riz", "arroz", NULL)                                                                                                   \
    X("SUGAR", "REV", "sugar", "sucre", "açúcar", NULL)                                                                                              \
    X("OIL", "REV", "cooking oil", "huile alimentaire", "óleo alimentar", "vegetable oil|palm oil")                                                  \
    X("POULTRY", "REV", "frozen poultry", "volaille congelée", "aves congeladas", "chicken|frozen chicken|poulet")                                   \
    X("FERTILISER", "REV", "fertiliser", "engrais", "fertilizante", "fertilizer")                                                                    \
    X("TEXTILES", "REV", "textiles and clothing", "textiles et vêtements", "têxteis e vestuário", "clothes|clothing|fabric|wax")                     \
    X("ELECTRONICS", "REV", "electronics", "électronique", "eletrónica", "mobile phones|phones")                                                     \
    X("SECOND_HAND", "REV", "second-hand goods", "marchandises d'occasion", "mercadorias em segunda mão", "used clothes|friperie")                   \
    X("REVENUE_OTHER", "REV", "other revenue goods", "autres marchandises fiscales", "outras mercadorias tributáveis", NULL)                         \
    X("COUNTERFEIT_CLOTHING", "IPR", "counterfeit clothing and shoes", "vêtements et chaussures contrefaits", "vestuário e calçado contrafeitos",    \
      NULL)                                                                                                                                          \
    X("COUNTERFEIT_ELECTRONICS", "IPR", "counterfeit electronics", "électronique contrefaite", "eletrónica contrafeita", NULL)                       \
    X("COUNTERFEIT_COSMETICS", "IPR", "counterfeit cosmetics", "cosmétiques contrefaits", "cosméticos contrafeitos", NULL)                           \
    X("COUNTERFEIT_PARTS", "IPR", "counterfeit spare parts", "pièces détachées contrefaites", "peças contrafeitas", NULL)                            \
    X("COUNTERFEIT_OTHER", "IPR", "other counterfeits", "autres contrefaçons", "outras contrafações", NULL)                                          \
    X("IVORY", "CIT", "ivory", "ivoire", "marfim", "elephant ivory|tusks|raw ivory|worked ivory|défenses")                                           \
    X("RHINO_HORN", "CIT", "rhinoceros horn", "corne de rhinocéros", "chifre de rinoceronte", "rhino horn|rhino horns|rhinoceros horns")             \
    X("PANGOLIN_SCALES", "CIT", "pangolin scales", "écailles de pangolin", "escamas de pangolim", "pangolin|pangolins")                              \
    X("PANGOLIN_LIVE", "CIT", "pangolins, live or whole", "pangolins vivants ou entiers", "pangolins vivos ou inteiros", NULL)                       \
    X("BIRDS", "CIT", "birds and eggs", "oiseaux et oeufs", "aves e ovos", "bird|parrots|grey parrots|oiseaux|perroquets")                           \
    X("REPTILES", "CIT", "reptiles and amphibians", "reptiles et amphibiens", "répteis e anfíbios", "reptile|turtles|tortoises|snakes|reptiles")     \
    X("PRIMATES", "CIT", "primates", "primates", "primatas", "apes|monkeys|chimpanzees")                                                             \
    X("BIG_CATS", "CIT", "big cats, parts and skins", "grands félins, parties et peaux", "grandes felinos, partes e peles",                          \
      "lion bones|leopard skins")                                                                                                                    \
    X("BUSHMEAT", "CIT", "bushmeat", "viande de brousse", "carne de caça", "bush meat")                                                              \
    X("FISH", "CIT", "fish and marine animals", "poissons et animaux marins", "peixes e animais marinhos",                                           \
      "seahorses|shark fins|eels|sea cucumbers")                                                                                                     \
    X("DONKEY_SKINS", "CIT", "donkey skins", "peaux d'âne", "peles de burro", NULL)                                                                  \
    X("TIMBER", "CIT", "timber", "bois", "madeira", "rosewood|kosso|wood|bois de rose|logs")                                                         \
    X("PLANTS", "CIT", "plants", "plantes", "plantas", "orchids|cacti")                                                                              \
    X("WILDLIFE_OTHER", "CIT", "other wildlife", "autres espèces", "outras espécies", "mammals|animals")                                             \
    X("WASTE", "ENV", "waste", "déchets", "resíduos", "e-waste|hazardous waste|used batteries")                                                      \
    X("PESTICIDES", "ENV", "pesticides", "pesticides", "pesticidas", NULL)                                                                           \
    X("ODS", "ENV", "ozone depleting substances", "substances appauvrissant l'ozone", "substâncias que empobrecem o ozono", "cfc|hcfc|refrigerant")  \
    X("MERCURY", "ENV", "mercury", "mercure", "mercúrio", NULL)                                                                                      \
    X("CYANIDE", "ENV", "cyanide", "cyanure", "cianeto", NULL)                                                                                       \
    X("PLASTIC_BAGS", "ENV", "plastic bags", "sachets plastiques", "sacos de plástico", NULL)                                                        \
    X("HAZARDOUS_OTHER", "ENV", "other hazardous goods", "autres produits dangereux", "outros produtos perigosos", NULL)                             \
    X("RADIOACTIVE", "NUC", "radioactive source or material", "source ou matière radioactive", "fonte ou material radioativo", "uranium|caesium")    \
    X("FIREARM", "WEA", "firearms", "armes à feu", "armas de fogo", "firearm|pistol|rifle|gun|guns|arme à feu")                                      \
    X("FIREARM_CRAFT", "WEA", "craft-made firearms", "armes artisanales", "armas artesanais", "homemade firearms")                                   \
    X("FIREARM_PARTS", "WEA", "parts of firearms", "parties d'armes à feu", "partes de armas de fogo", NULL)                                         \
    X("AMMUNITION", "WEA", "ammunition", "munitions", "munições", "cartridges|cartouches|rounds")                                                    \
    X("EXPLOSIVES", "WEA", "explosives and detonators", "explosifs et détonateurs", "explosivos e detonadores",                                      \
      "dynamite|detonators|detonating cord")                                                                                                         \
    X("MILITARY_EQUIPMENT", "WEA", "military equipment", "matériel militaire", "equipamento militar", "uniforms|night vision|grenades")              \
    X("WEAPON_OTHER", "WEA", "other weapons", "autres armes", "outras armas", "knives|machetes")                                                     \
    X("DRONE", "STR", "drones", "drones", "drones", "uav")                                                                                           \
    X("DUAL_USE_OTHER", "STR", "other dual-use goods", "autres biens à double usage", "outros bens de dupla utilização", NULL)                       \
    X("CASH", "CUR", "cash", "argent liquide", "numerário", "banknotes|money|espèces|dinheiro")                                                      \
    X("CASH_COUNTERFEIT", "CUR", "counterfeit money", "fausse monnaie", "moeda falsa", "fake currency|counterfeit currency|faux billets")            \
    X("GOLD", "CUR", "gold", "or", "ouro", "gold dust|gold bars|lingots")                                                                            \
    X("DIAMONDS", "CUR", "diamonds", "diamants", "diamantes", "diamond|rough diamonds")                                                              \
    X("GEMS", "CUR", "gems and jewellery", "pierres et bijoux", "pedras e joias", "gemstones|jewellery|jewelry")                                     \
    X("PAYMENT_CARDS", "CUR", "payment cards", "cartes de paiement", "cartões de pagamento", "bank cards|credit cards")                              \
    X("CULTURAL_OBJECT", "CUL", "cultural objects", "objets culturels", "objetos culturais", "masks and statues|statues|artefacts")                  \
    X("FOSSIL", "CUL", "fossils and meteorites", "fossiles et météorites", "fósseis e meteoritos", "dinosaur")                                       \
    X("OBSCENE", "POR", "obscene material", "matériel obscène", "material obsceno", NULL)                                                            \
    X("IDENTITY_DOCUMENTS", "OTH", "identity documents", "documents d'identité", "documentos de identidade", "passports|passeports")                 \
    X("GOODS_OTHER", "OTH", "goods of another kind", "marchandises d'une autre nature", "mercadorias de outra natureza",                             \
      "other|autres|outros|miscellaneous")

#define UNITS(X)                                                                                                                                     \
    X("KGM", "KGM", "kilogram", "kilogramme", "quilograma", "kg|kgs|kilo|kilos|kilograms|kilogrammes|kg.")                                           \
    X("GRM", "KGM", "gram", "gramme", "grama", "g|gr|grams|grammes|gramas|gm")                                                                       \
    X("MGM", "KGM", "milligram", "milligramme", "miligrama", "mg|milligrams")                                                                        \
    X("TNE", "KGM", "tonne", "tonne", "tonelada", "t|tonnes|tons|ton|metric ton|toneladas|mt")                                                       \
    X("LBR", "KGM", "pound", "livre", "libra", "lb|lbs|pounds|livres|libras")                                                                        \
    X("ONZ", "KGM", "ounce", "once", "onça", "oz|ounces|onces")                                                                                      \
    X("APZ", "KGM", "troy ounce", "once troy", "onça troy", "ozt|troy ounces")                                                                       \
    X("CTM", "KGM", "metric carat", "carat métrique", "quilate métrico", "ct|carat|carats|quilates")                                                 \
    X("H87", "H87", "piece", "pièce", "peça",                                                                                                        \
      "pcs|pc|pieces|pièces|units|unit|unité|unités|each|tablets|comprimés|items|animals|peças|head|heads|nmb|c62|ea")                               \
    X("NPR", "H87", "pair", "paire", "par", "pairs|paires|pares")                                                                                    \
    X("DZN", "H87", "dozen", "douzaine", "dúzia", "dozens|douzaines")                                                                                \
    X("CEN", "H87", "hundred", "centaine", "centena", "hundreds")                                                                                    \
    X("MIL", "H87", "thousand", "millier", "milhar", "thousands|thousand sticks|milliers")                                                           \
    X("LTR", "LTR", "litre", "litre", "litro", "l|lt|liter|liters|litres|litros")                                                                    \
    X("CLT", "LTR", "centilitre", "centilitre", "centilitro", "cl")                                                                                  \
    X("MLT", "LTR", "millilitre", "millilitre", "mililitro", "ml")                                                                                   \
    X("HLT", "LTR", "hectolitre", "hectolitre", "hectolitro", "hl")                                                                                  \
    X("GLL", "LTR", "US gallon", "gallon américain", "galão americano", "gal|gallon|gallons")                                                        \
    X("BLL", "LTR", "barrel", "baril", "barril", "bbl|barrels|barils")                                                                               \
    X("MTQ", "MTQ", "cubic metre", "mètre cube", "metro cúbico", "m3|cbm|cubic meter|cubic metres")                                                  \
    X("MTR", "MTR", "metre", "mètre", "metro", "m|meter|metres|mètres|metros")                                                                       \
    X("KMT", "MTR", "kilometre", "kilomètre", "quilómetro", "km|kilometer")                                                                          \
    X("MTK", "MTK", "square metre", "mètre carré", "metro quadrado", "m2|square metres|sqm")                                                         \
    X("BQL", "BQL", "becquerel", "becquerel", "becquerel", "bq")                                                                                     \
    X("UNKNOWN", NULL, "not weighed or counted yet", "pas encore pesé ni compté", "ainda não pesado nem contado",                                    \
      "unknown|inconnu|inconnue|desconhecido|desconhecida|not weighed|not weighed yet")

#define AS_CODE(code, parent, en, fr, pt, aliases) {code, {en, fr, pt}, aliases},
#define AS_PARENT(code, parent, en, fr, pt, aliases) parent,

static const struct code HEADING[] = {HEADINGS(AS_CODE)};
static const char *const HEADING_UNIT[] = {HEADINGS(AS_PARENT)};
const struct code_list CODES_HEADING = {"heading", HEADING, CODE_COUNT(HEADING), HEADING_UNIT};

static const struct code COMMODITY[] = {COMMODITIES(AS_CODE)};
static const char *const COMMODITY_HEADING[] = {COMMODITIES(AS_PARENT)};
const struct code_list CODES_COMMODITY = {"commodity", COMMODITY, CODE_COUNT(COMMODITY), COMMODITY_HEADING};

static const struct code UNIT[] = {UNITS(AS_CODE)};
static const char *const UNIT_BASE[] = {UNITS(AS_PARENT)};
const struct code_list CODES_UNIT = {"unit", UNIT, CODE_COUNT(UNIT), UNIT_BASE};
