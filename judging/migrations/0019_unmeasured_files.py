import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('competition', '0017_round_measure'),
        ('judging', '0018_positions_of_defects'),
    ]

    operations = [
        migrations.CreateModel(
            name='UnmeasuredFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('edition', models.PositiveSmallIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('code', models.CharField(max_length=40)),
                ('round', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='unmeasured_files', to='competition.round')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('round', 'edition', 'sha256'), name='one_unmeasured_file_per_edition')],
            },
        ),
    ]
