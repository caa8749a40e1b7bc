"""The papers that describe the checkpoints of the zoo."""

from __future__ import annotations

from keras_bert_zoo.zoo.checkpoint import Paper

BERT = Paper(
    "1810.04805",
    2018,
    "Devlin, Jacob and Chang, Ming-Wei and Lee, Kenton and Toutanova, Kristina",
    "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
)
MINIATURES = Paper(
    "1908.08962",
    2019,
    "Turc, Iulia and Chang, Ming-Wei and Lee, Kenton and Toutanova, Kristina",
    "Well-Read Students Learn Better: On the Importance of Pre-training Compact Models",
)
ELECTRA = Paper(
    "2003.10555",
    2020,
    "Clark, Kevin and Luong, Minh-Thang and Le, Quoc V. and Manning, Christopher D.",
    "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators",
)
SENTENCE_BERT = Paper(
    "1908.10084",
    2019,
    "Reimers, Nils and Gurevych, Iryna",
    "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks",
)
BGE = Paper(
    "2309.07597",
    2023,
    "Xiao, Shitao and Liu, Zheng and Zhang, Peitian and Muennighoff, Niklas and Lian, Defu and "
    "Nie, Jian-Yun",
    "C-Pack: Packed Resources For General Chinese Embeddings",
)
E5 = Paper(
    "2212.03533",
    2022,
    "Wang, Liang and Yang, Nan and Huang, Xiaolong and Jiao, Binxing and Yang, Linjun and "
    "Jiang, Daxin and Majumder, Rangan and Wei, Furu",
    "Text Embeddings by Weakly-Supervised Contrastive Pre-training",
)
GTE = Paper(
    "2308.03281",
    2023,
    "Li, Zehan and Zhang, Xin and Zhang, Yanzhao and Long, Dingkun and Xie, Pengjun and "
    "Zhang, Meishan",
    "Towards General Text Embeddings with Multi-stage Contrastive Learning",
)
MPNET = Paper(
    "2004.09297",
    2020,
    "Song, Kaitao and Tan, Xu and Qin, Tao and Lu, Jianfeng and Liu, Tie-Yan",
    "MPNet: Masked and Permuted Pre-training for Language Understanding",
)
MINILM = Paper(
    "2002.10957",
    2020,
    "Wang, Wenhui and Wei, Furu and Dong, Li and Bao, Hangbo and Yang, Nan and Zhou, Ming",
    "MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained "
    "Transformers",
)
ROBERTA = Paper(
    "1907.11692",
    2019,
    "Liu, Yinhan and Ott, Myle and Goyal, Naman and Du, Jingfei and Joshi, Mandar and Chen, Danqi "
    "and Levy, Omer and Lewis, Mike and Zettlemoyer, Luke and Stoyanov, Veselin",
    "RoBERTa: A Robustly Optimized BERT Pretraining Approach",
)
XLM_R = Paper(
    "1911.02116",
    2019,
    "Conneau, Alexis and Khandelwal, Kartikay and Goyal, Naman and Chaudhary, Vishrav and "
    "Wenzek, Guillaume and Guzmán, Francisco and Grave, Edouard and Ott, Myle and "
    "Zettlemoyer, Luke and Stoyanov, Veselin",
    "Unsupervised Cross-lingual Representation Learning at Scale",
)
CAMEMBERT = Paper(
    "1911.03894",
    2019,
    "Martin, Louis and Muller, Benjamin and Ortiz Suárez, Pedro Javier and Dupont, Yoann and "
    "Romary, Laurent and de la Clergerie, Éric Villemonte and Seddah, Djamé and Sagot, Benoît",
    "CamemBERT: a Tasty French Language Model",
)
DISTILBERT = Paper(
    "1910.01108",
    2019,
    "Sanh, Victor and Debut, Lysandre and Chaumond, Julien and Wolf, Thomas",
    "DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter",
)
ALBERT = Paper(
    "1909.11942",
    2019,
    "Lan, Zhenzhong and Chen, Mingda and Goodman, Sebastian and Gimpel, Kevin and Sharma, Piyush "
    "and Soricut, Radu",
    "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations",
)
MODERNBERT = Paper(
    "2412.13663",
    2024,
    "Warner, Benjamin and Chaffin, Antoine and Clavié, Benjamin and Weller, Orion and "
    "Hallström, Oskar and Taghadouini, Said and Gallagher, Alexis and Biswas, Raja and "
    "Ladhak, Faisal and Aarsen, Tom and Cooper, Nathan and Adams, Griffin and Howard, Jeremy and "
    "Poli, Iacopo",
    "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder for Fast, Memory Efficient, "
    "and Long Context Finetuning and Inference",
)
DEBERTA = Paper(
    "2111.09543",
    2021,
    "He, Pengcheng and Gao, Jianfeng and Chen, Weizhu",
    "DeBERTaV3: Improving DeBERTa using ELECTRA-Style Pre-Training with Gradient-Disentangled "
    "Embedding Sharing",
)
MOBILEBERT = Paper(
    "2004.02984",
    2020,
    "Sun, Zhiqing and Yu, Hongkun and Song, Xiaodan and Liu, Renjie and Yang, Yiming and "
    "Zhou, Denny",
    "MobileBERT: a Compact Task-Agnostic BERT for Resource-Limited Devices",
)
CHINESE_WHOLE_WORDS = Paper(
    "1906.08101",
    2019,
    "Cui, Yiming and Che, Wanxiang and Liu, Ting and Qin, Bing and Yang, Ziqing",
    "Pre-Training with Whole Word Masking for Chinese BERT",
)
CHINESE = Paper(
    "2004.13922",
    2020,
    "Cui, Yiming and Che, Wanxiang and Liu, Ting and Qin, Bing and Wang, Shijin and Hu, Guoping",
    "Revisiting Pre-Trained Models for Chinese Natural Language Processing",
)
MULTILINGUAL_E5 = Paper(
    "2402.05672",
    2024,
    "Wang, Liang and Yang, Nan and Huang, Xiaolong and Yang, Linjun and Majumder, Rangan and "
    "Wei, Furu",
    "Multilingual E5 Text Embeddings: A Technical Report",
)
