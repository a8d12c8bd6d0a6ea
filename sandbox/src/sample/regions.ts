/** Where the invented people of the sample live and how they are called. Frequent names, joined at random. */
export interface Region {
  country: string;
  language: string;
  cities: readonly string[];
  firstNames: readonly string[];
  lastNames: readonly string[];
}

function region(country: string, language: string, cities: string, firstNames: string, lastNames: string): Region {
  const list = (text: string): string[] => text.split(', ');
  return { country, language, cities: list(cities), firstNames: list(firstNames), lastNames: list(lastNames) };
}

export const REGIONS: readonly Region[] = [
  region(
    'Germany',
    'German',
    'Berlin, München, Hamburg, Köln, Leipzig',
    'Jürgen, Katrin, Lukas, Sabine, Jörg, Annika, Matthias, Heike, Björn, Franziska, Uwe, Zoë',
    'Müller, Schäfer, Groß, König, Becker, Jäger, Weiß, Hoffmann, Krüger, von der Heide, Schröder, Vogt',
  ),
  region(
    'France',
    'French',
    'Paris, Lyon, Nantes, Orléans, Saint-Étienne',
    'Élodie, François, Chloé, Benoît, Jean-Luc, Aurélie, Théo, Maëlle, Gaël, Inès, Rémi, Noëlle',
    'Lefèvre, Dubois, Müntz, Béranger, Gauthier, d’Arcy, Renaud, Le Goff, Forêt, Marchand, Noël, Desprès',
  ),
  region(
    'Spain',
    'Spanish',
    'Madrid, Sevilla, Málaga, A Coruña, Zaragoza',
    'José, María, Íñigo, Lucía, Álvaro, Begoña, Andrés, Núria, Joaquín, Raquel, Óscar, Inés',
    'García, Núñez, Ibáñez, Muñoz, López Ortega, Peña, Fernández, Zúñiga, Ramírez, Castaño, Vázquez, Rubio',
  ),
  region(
    'Poland',
    'Polish',
    'Warszawa, Kraków, Łódź, Gdańsk, Wrocław',
    'Łukasz, Agnieszka, Paweł, Małgorzata, Michał, Zofia, Grzegorz, Kinga, Stanisław, Bożena',
    'Wójcik, Kowalczyk, Wiśniewska, Dąbrowski, Żak, Gołębiewski, Mróz, Szczepańska, Król, Łukasik',
  ),
  region(
    'United States',
    'English',
    'Austin, Denver, Boston, Portland, Chicago',
    'Emily, Marcus, Latoya, Tyler, Guadalupe, Kevin, Aaliyah, Brandon, Megan, Darnell, Hannah, Wyatt',
    'Johnson, O’Neill, Washington, Rivera, Carter, Nguyen, Brooks, McAllister, Goldberg, Foster, Yazzie, Lee',
  ),
  region(
    'United Kingdom',
    'English',
    'London, Leeds, Bristol, Glasgow, Cardiff',
    'Oliver, Siân, Callum, Priya, Gemma, Rhys, Eilidh, Alfie, Nicola, Tariq, Imogen, Zara',
    'Smith, Llewellyn, MacLeod, Patel, Wright, Fitzgerald-Hughes, Ahmed, Thompson, Okafor, Bell, Clarke, Penrose',
  ),
  region(
    'Brazil',
    'Portuguese',
    'São Paulo, Curitiba, Brasília, Belém, Florianópolis',
    'João, Letícia, Thiago, Conceição, Antônio, Camila, Luís, Beatriz, Márcio, Vitória',
    'Gonçalves, da Silva, Araújo, Souza, Magalhães, Conceição, Ribeiro, dos Santos, Simões, Teixeira',
  ),
  region(
    'India',
    'Hindi',
    'Bengaluru, Mumbai, Pune, Hyderabad, Kochi',
    'Ananya, Rohan, Lakshmi, Arjun, Meera, Vikram, Sana, Karthik, Deepika, Imran, Harpreet, Nikhil',
    'Sharma, Iyer, Reddy, Chatterjee, Kaur, Nair, Khan, Deshpande, Banerjee, Patil, Venkatesan, Gupta',
  ),
  region(
    'Nigeria',
    'Yoruba',
    'Lagos, Abuja, Ibadan, Enugu',
    'Chidinma, Olúwaṣeun, Ngozi, Emeka, Ìfẹ́olúwa, Aisha, Tunde, Adaeze, Babajide, Zainab',
    'Okonkwo, Adéyẹmí, Balogun, Eze, Bello, Nwosu, Ọlátúnjí, Ibrahim, Umeh, Danjuma',
  ),
  region(
    'Japan',
    'Japanese',
    'Tokyo, Osaka, Sapporo, Fukuoka',
    'Haruto, Yui, Kenji, Sakura, Ryōta, Aiko, Shōta, Naomi, Daiki, Yōko',
    'Satō, Tanaka, Itō, Kobayashi, Ōno, Yamamoto, Saitō, Kondō, Fujii, Endō',
  ),
  region(
    'Vietnam',
    'Vietnamese',
    'Hà Nội, Đà Nẵng, Huế, Cần Thơ',
    'Thị Hương, Minh, Đức, Lan Anh, Quốc Bảo, Thu, Hiếu, Mỹ Linh',
    'Nguyễn, Trần, Phạm, Đặng, Võ, Bùi, Hồ, Dương',
  ),
  region(
    'Türkiye',
    'Turkish',
    'İstanbul, Ankara, İzmir, Eskişehir',
    'Ayşe, Çağlar, Gökhan, İpek, Şule, Oğuz, Müge, Barış, Elif, Ümit',
    'Yılmaz, Öztürk, Çelik, Aydın, Şahin, Güneş, Doğan, Kılıç, Işık, Erdoğmuş',
  ),
  region(
    'Sweden',
    'Swedish',
    'Stockholm, Göteborg, Malmö, Umeå',
    'Åsa, Björn, Märta, Göran, Linnéa, Håkan, Elsa, Sören, Ingrid, Nils',
    'Åkesson, Lindström, Öberg, Nyström, Bergqvist, Sjögren, Holm, Nordin, Hägglund, Ek',
  ),
  region(
    'Czechia',
    'Czech',
    'Praha, Brno, Plzeň, České Budějovice',
    'Jiří, Markéta, Ondřej, Zdeňka, Tomáš, Kateřina, Luboš, Eliška, Radek, Žofie',
    'Dvořák, Nováková, Růžička, Šťastný, Čermáková, Kučera, Hájek, Křížová, Beneš, Říha',
  ),
  region(
    'Mexico',
    'Spanish',
    'Ciudad de México, Mérida, Querétaro, León',
    'Ximena, Jesús, Paola, Ángel, Guadalupe, Rogelio, Itzel, Héctor, Renata, Cuauhtémoc',
    'Hernández, Ávila, Cárdenas, Treviño, Domínguez, Peralta, Quiñones, Sánchez, Ríos, Xool',
  ),
  region(
    'Egypt',
    'Arabic',
    'Cairo, Alexandria, Giza, Mansoura',
    'Fatma, Mahmoud, Nour, Youssef, Mariam, Karim, Salma, Amr, Hoda, Tarek',
    'Hassan, El-Sayed, Abdelrahman, Mansour, Farouk, Gaber, Shenouda, Naguib, Zaki, El Masry',
  ),
  region(
    'South Korea',
    'Korean',
    'Seoul, Busan, Incheon, Daegu',
    'Ji-woo, Min-jun, Seo-yeon, Hyun-woo, Ha-eun, Dong-hyun, Yu-na, Sung-min',
    'Kim, Park, Choi, Jung, Kang, Yoon, Shin, Han',
  ),
  region(
    'Kenya',
    'Swahili',
    'Nairobi, Mombasa, Kisumu, Nakuru',
    'Wanjiru, Otieno, Achieng, Kamau, Njeri, Kipchoge, Amina, Mutua, Wambui, Odhiambo',
    'Mwangi, Ochieng, Kariuki, Wanjala, Chebet, Ndungu, Omondi, Kimani, Njoroge, Abdi',
  ),
  region(
    'Netherlands',
    'Dutch',
    'Amsterdam, Utrecht, Eindhoven, Groningen',
    'Sanne, Daan, Fleur, Joost, Anouk, Ruben, Maaike, Thijs, Esmée, Bram',
    'de Vries, van den Berg, Jansen, Bakker, van ’t Hoff, Visser, Smit, Mulder, Dekker, IJzerman',
  ),
  region(
    'Ireland',
    'English',
    'Dublin, Cork, Galway, Limerick',
    'Aoife, Seán, Niamh, Ciarán, Siobhán, Pádraig, Róisín, Eoin, Gráinne, Donal',
    'Murphy, Ó Súilleabháin, Byrne, O’Connor, Ní Dhomhnaill, Walsh, Kelleher, Brennan, Doyle, MacCarthy',
  ),
];
