import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('competition', '0016_names_of_plug_ins_fit'),
        ('dashboard', '0008_names_of_targets_fit'),
    ]

    operations = [
        migrations.CreateModel(
            name='SecondOpinion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('bundle', models.CharField(max_length=64)),
                ('hotkey', models.CharField(max_length=48)),
                ('registered', models.BooleanField()),
                ('document', models.JSONField()),
                ('signature', models.CharField(max_length=128)),
                ('posted_at', models.DateTimeField()),
                ('round', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opinions', to='competition.round')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('bundle', 'hotkey'), name='one_opinion_per_hotkey_and_bundle')],
            },
        ),
    ]
